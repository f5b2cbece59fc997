/** Tokens that users make for their programs: each may no more than its owner may at that moment, and ends with them. */
import { randomUUID } from 'node:crypto';
import type { Permission } from '../../api/permissions.ts';
import { FaultError } from '../../core/faults.ts';
import type { Clock } from '../../core/world.ts';
import type { PeopleChange } from './database.ts';
import { may, principalOf, type Actor, type Principal } from './principal.ts';
import type { Token, User } from './records.ts';
import { digestOf, newSecret } from './secret.ts';
import './faults.ts';

const MAX_OF_USER = 100;
const TOKEN_START = 'cvt_';

export interface ApiTokenParts {
  /** Resolves when it is on disk. */
  save(changes: readonly PeopleChange[]): Promise<void>;
  userOf(id: string): User | undefined;
  note(actor: Actor, what: string): void;
}

export class ApiTokens {
  readonly #parts: ApiTokenParts;
  readonly #clock: Pick<Clock, 'nowMs'>;
  /** By hash. */
  readonly #tokens = new Map<string, Token>();
  /** Whose last use is not on disk. */
  readonly #used = new Set<Token>();

  constructor(parts: ApiTokenParts, clock: Pick<Clock, 'nowMs'>) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /** Those of the file. */
  take(tokens: readonly Token[]): void {
    for (const token of tokens) this.#tokens.set(token.hash, token);
  }

  /** Who comes with it; null where it is none of ours, has expired, or its owner was disabled. */
  principalBy(given: string): Principal | null {
    if (!given.startsWith(TOKEN_START)) return null;
    const token = this.#tokens.get(digestOf(given));
    const nowMs = this.#clock.nowMs();
    const owner = token && this.#parts.userOf(token.user);
    if (!owner || owner.disabled || token.expiresAt <= nowMs) return null;
    token.usedAt = nowMs;
    this.#used.add(token);
    return {
      id: `token:${token.id}`,
      name: `${owner.name}/${token.name}`,
      kind: 'token',
      grants: owner.grants,
      limit: { permissions: token.permissions, centres: token.centres },
    };
  }

  of(user: string): Token[] {
    return [...this.#tokens.values()].filter((one) => one.user === user);
  }

  /** @returns the token itself, which is shown once. @throws CV_TOKEN_SCOPE, CV_PEOPLE_FULL */
  async add(
    user: string,
    given: { name: string; permissions: Permission[]; centres: string[]; expiresAt: number },
    actor: Actor,
  ): Promise<{ token: string; view: Token }> {
    const owner = principalOf(this.#parts.userOf(user) as User);
    for (const wanted of given.permissions)
      for (const centre of given.centres)
        if (wanted === 'public' || wanted === 'account' || !may(owner, wanted, centre))
          throw new FaultError('CV_TOKEN_SCOPE', { permission: wanted, centre });
    if (this.of(user).length >= MAX_OF_USER) throw new FaultError('CV_PEOPLE_FULL', { what: 'tokens', whatZh: '令牌', max: MAX_OF_USER });
    const token = `${TOKEN_START}${newSecret()}`;
    const view: Token = { ...given, id: randomUUID(), hash: digestOf(token), user, createdAt: this.#clock.nowMs(), usedAt: null };
    await this.#parts.save([rowOf(view)]);
    this.#tokens.set(view.hash, view);
    this.#parts.note(actor, `token ${view.name} made`);
    return { token, view };
  }

  /** @throws CV_API_UNKNOWN_ID */
  async remove(user: string, id: string, actor: Actor): Promise<void> {
    const token = this.of(user).find((one) => one.id === id);
    if (!token) throw new FaultError('CV_API_UNKNOWN_ID', { what: 'token', whatZh: '令牌', id, list: '/api/v1/account/tokens' });
    await this.#parts.save([['tokens', token.hash, null]]);
    this.#tokens.delete(token.hash);
    this.#used.delete(token);
    this.#parts.note(actor, `token ${token.name} removed`);
  }

  /** Rows of those that were used since this was asked last. */
  takeUsed(): PeopleChange[] {
    const rows = [...this.#used].map(rowOf);
    this.#used.clear();
    return rows;
  }
}

const rowOf = (token: Token): PeopleChange => ['tokens', token.hash, JSON.stringify(token)];
