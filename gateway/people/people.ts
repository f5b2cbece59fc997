/**
 * Users of this gateway, their sessions, tokens and set-up links. All of it is in memory, so that a request asks no disk;
 * what changes is in people.db before it holds.
 */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ALL_CENTRES, type Grant } from '../../api/permissions.ts';
import { FaultError, faultOf } from '../../core/faults.ts';
import { everyMs, type Timer, type World } from '../../core/world.ts';
import type { KnownPeople } from './access.ts';
import { NO_AUDIT, type Audit, type AuditEntry } from './audit.ts';
import type { OidcIdentity } from './oidc-provider.ts';
import type { JsonRowsFile } from '../sqlite/json-rows.ts';
import type { PeopleChange, PeopleTable } from './database.ts';
import { ApiTokens } from './api-tokens.ts';
import { digestOf, newSecret } from './secret.ts';
import './faults.ts';
import { takeNotes } from './notes.ts';
import { Passwords } from './password.ts';
import { principalOf, type Actor, type Principal } from './principal.ts';
import { sessionRecord, setUpLinkRecord, tokenRecord, userRecord, type Session, type SetUpLink, type User } from './records.ts';
import { SignInLimit } from './sign-in-limit.ts';
import { checkName, foldName, keptName } from './user-name.ts';

const HOUR_MS = 3_600_000;
export const LINK_MS = 24 * HOUR_MS;
const MAX_USERS = 5000;
const MAX_SESSIONS_OF_USER = 50;
const MAX_BROWSERS_OF_USER = 20;
const MAX_GIVEN_NAME = 256;
const MAX_FIRST_LINKS = 5;
const SAVE_USE_EVERY_MS = 300_000;

export interface PeopleOptions {
  file: JsonRowsFile<PeopleTable>;
  audit?: Audit;
  passwords?: Passwords;
  /** Asked each time: a changed configuration counts at once. */
  sessionTimes?(): { idleMs: number; longestMs: number };
}

export const SESSION_TIMES = { idleMs: 12 * HOUR_MS, longestMs: 30 * 24 * HOUR_MS };


export class People implements KnownPeople {
  readonly #file: JsonRowsFile<PeopleTable>;
  readonly #audit: Audit;
  readonly #passwords: Passwords;
  readonly #world: Pick<World, 'clock' | 'tell'>;
  readonly #limit: SignInLimit;
  readonly #sessionTimes: () => { idleMs: number; longestMs: number };
  readonly tokens: ApiTokens;
  readonly #users = new Map<string, User>();
  readonly #byName = new Map<string, string>();
  /** By the hash of their cookie, of the code. */
  readonly #sessions = new Map<string, Session>();
  readonly #links = new Map<string, SetUpLink>();
  /** Whose last use is not on disk. */
  readonly #used = new Set<Session>();
  #timer: Timer | null = null;
  /** Where it cannot be read nobody of it gets in, and nobody becomes the first administrator. */
  #isUsable = false;

  constructor(
    { file, audit = NO_AUDIT, passwords = new Passwords(), sessionTimes = () => SESSION_TIMES }: PeopleOptions,
    world: Pick<World, 'clock' | 'tell'>,
  ) {
    this.#file = file;
    this.#audit = audit;
    this.#passwords = passwords;
    this.#sessionTimes = sessionTimes;
    this.#world = world;
    this.#limit = new SignInLimit(world.clock);
    this.tokens = new ApiTokens({
      save: (changes) => this.#save(changes),
      userOf: (id) => this.#users.get(id),
      note: (actor, what) => this.#note('token_change', actor, what),
    }, world.clock);
  }

  /** A file that cannot be read is told: the gateway goes on, and nobody of it gets in. */
  async open(): Promise<void> {
    try {
      const rows = await this.#file.open();
      for (const user of parsed(userRecord, rows.users)) this.#putUser(user);
      for (const session of parsed(sessionRecord, rows.sessions)) this.#sessions.set(session.hash, session);
      this.tokens.take(parsed(tokenRecord, rows.tokens));
      for (const link of parsed(setUpLinkRecord, rows.links)) this.#links.set(link.hash, link);
      const { entries, taken } = takeNotes(rows.notes);
      for (const entry of entries) this.#audit.append(entry);
      if (taken.length > 0) await this.#file.save(taken);
      this.#isUsable = true;
    } catch (error) {
      this.#world.tell({ kind: 'fault', fault: { code: 'CV_PEOPLE_UNUSABLE', params: { detail: (error as Error).message } } });
    }
    this.#timer = everyMs(this.#world.clock, SAVE_USE_EVERY_MS, () => {
      void this.#saveUse();
    });
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    await this.#saveUse();
    await this.#file.close();
  }

  /** Whether anybody can administer this gateway; also said where that cannot be known. */
  get hasAdministrator(): boolean {
    return !this.#isUsable || this.#administrators().length > 0;
  }

  get isEmpty(): boolean {
    return this.#users.size === 0;
  }

  byToken(given: string): Principal | null {
    return this.tokens.principalBy(given);
  }

  bySession(given: string): Principal | null {
    const session = this.#sessionOf(given);
    return session && principalOf(this.#users.get(session.user) as User);
  }

  /**
   * @param browser the cookie of a browser that has signed in before
   * @returns the cookies that it gets. @throws CV_SIGN_IN_WRONG, CV_SIGN_IN_LOCKED, CV_SIGN_IN_BUSY, CV_COMMAND_TOO_MANY
   */
  async signIn(
    given: { user: string; password: string },
    from: { address: string; agent: string; browser: string | undefined },
  ): Promise<{ principal: Principal; session: string; browser: string }> {
    const folded = foldName(given.user);
    const found = this.#users.get(this.#byName.get(folded) ?? '');
    const isKnownBrowser = this.#isKnownBrowser(found, from.browser);
    const right = this.#limit.begin(folded, from.address, isKnownBrowser ? digestOf(from.browser as string) : null);
    const isRight = await this.#passwords.verify(given.password, found?.hash ?? null);
    // What could be no name is most often a password in the wrong field.
    const who = found?.name ?? keptName(given.user.slice(0, MAX_GIVEN_NAME)) ?? '';
    const record = (outcome: AuditEntry['outcome']): void =>
      this.#audit.append({ kind: 'sign_in', who, from: from.address, what: 'password', outcome });
    if (!found || !isRight || found.disabled) {
      record('refused');
      throw new FaultError('CV_SIGN_IN_WRONG');
    }
    right();
    if (this.#passwords.isOutdated(found.hash ?? ''))
      await this.#saveUser({ ...found, hash: await this.#passwords.hash(given.password).catch(() => found.hash) });
    record('done');
    return this.begin(found.id, from, isKnownBrowser ? from.browser : undefined);
  }

  /**
   * By the word of a provider. Who they are there is kept with the user: a name that is the same proves nothing, so it
   * finds only a user who was added here and has no other way in yet.
   *
   * @throws CV_OIDC_USER, CV_OIDC_NAME_TAKEN, CV_USER_NAME, CV_PEOPLE_FULL
   */
  async signInByProvider(
    { issuer, subject, name, grants }: OidcIdentity,
    from: { address: string; agent: string; browser: string | undefined },
  ): Promise<{ principal: Principal; session: string; browser: string }> {
    const refuse = (code: 'CV_OIDC_USER' | 'CV_OIDC_NAME_TAKEN'): never => {
      this.#audit.append({ kind: 'sign_in', who: name.slice(0, 64), from: from.address, what: 'oidc', outcome: 'refused' });
      throw new FaultError(code, { name: name.slice(0, 64) });
    };
    const known = [...this.#users.values()].find(({ provider }) => provider?.issuer === issuer && provider.subject === subject);
    const named = known ?? this.#users.get(this.#byName.get(foldName(name)) ?? '');
    if (named && !known && (named.hash !== null || named.provider)) return refuse('CV_OIDC_NAME_TAKEN');
    if (named?.disabled || (!named && !grants) || (grants ?? named?.grants)?.length === 0) return refuse('CV_OIDC_USER');
    const user = { ...(named ?? this.#newUser(name, [])), ...(grants && { grants }), provider: { issuer, subject } };
    const links = [...this.#links.values()].filter((one) => one.user === user.id);
    await this.#saveWith(user, links.map(({ hash }) => ['links', hash, null] as const));
    for (const { hash } of links) this.#links.delete(hash);
    this.#audit.append({ kind: 'sign_in', who: user.name, from: from.address, what: 'oidc', outcome: 'done' });
    return this.begin(user.id, from, this.#isKnownBrowser(user, from.browser) ? from.browser : undefined);
  }

  /** Without a password: of the demo's user, on this machine alone. @throws CV_SIGN_IN_WRONG where there is no such user */
  async signInToDemo(name: string, from: { address: string; agent: string }): Promise<Awaited<ReturnType<People['begin']>>> {
    const found = this.#users.get(this.#byName.get(foldName(name)) ?? '');
    if (!found) throw new FaultError('CV_SIGN_IN_WRONG');
    this.#audit.append({ kind: 'sign_in', who: name, from: from.address, what: 'demo', outcome: 'done' });
    return this.begin(found.id, from);
  }

  /** A session of somebody who has said who they are. */
  async begin(
    id: string,
    { address, agent }: { address: string; agent: string },
    knownBrowser?: string,
  ): Promise<{ principal: Principal; session: string; browser: string }> {
    const user = this.#users.get(id) as User;
    const [cookie, browser, nowMs] = [newSecret(), knownBrowser ?? newSecret(), this.#world.clock.nowMs()];
    const session: Session = {
      id: randomUUID(),
      hash: digestOf(cookie),
      user: id,
      createdAt: nowMs,
      usedAt: nowMs,
      address,
      agent: agent.slice(0, 200),
    };
    const own = [...this.#sessions.values()].filter((one) => one.user === id).toSorted((a, b) => a.usedAt - b.usedAt);
    const ended = own.filter((one, at) => !this.#isLive(one) || at <= own.length - MAX_SESSIONS_OF_USER);
    const browsers = [...user.browsers.filter((one) => one !== digestOf(browser)), digestOf(browser)].slice(-MAX_BROWSERS_OF_USER);
    const changed = { ...user, browsers };
    await this.#save([
      ['users', id, JSON.stringify(changed)],
      row('sessions', session),
      ...ended.map(({ hash }) => ['sessions', hash, null] as const),
    ]);
    for (const { hash } of ended) this.#sessions.delete(hash);
    this.#putUser(changed);
    this.#sessions.set(session.hash, session);
    return { principal: principalOf(user), session: cookie, browser };
  }

  async signOut(cookie: string, address: string): Promise<void> {
    const session = this.#sessionOf(cookie);
    if (!session) return;
    await this.#endSessions([session]);
    this.#audit.append({
      kind: 'sign_out',
      who: this.#users.get(session.user)?.name ?? '',
      from: address,
      what: 'session',
      outcome: 'done',
    });
  }

  /** @param cookie that the asker came with */
  sessionsOf(user: string, cookie: string | undefined): (Session & { current: boolean })[] {
    const current = cookie === undefined ? '' : digestOf(cookie);
    return [...this.#sessions.values()]
      .filter((one) => one.user === user && this.#isLive(one))
      .map((one) => ({ ...one, current: one.hash === current }));
  }

  /** @throws CV_API_UNKNOWN_ID */
  async endSession(user: string, id: string, actor: Actor): Promise<void> {
    const session = [...this.#sessions.values()].find((one) => one.user === user && one.id === id);
    if (!session) throw unknown('session', '会话', id, '/api/v1/account/sessions');
    await this.#endSessions([session]);
    this.#note('sign_out', actor, `session ${id}`);
  }

  /** Other sessions of theirs end. @throws CV_SIGN_IN_WRONG, CV_SIGN_IN_LOCKED, CV_USER_PASSWORD, CV_SIGN_IN_BUSY */
  async changePassword(user: string, given: { old: string; password: string }, cookie: string | undefined, actor: Actor): Promise<void> {
    const found = this.#users.get(user) as User;
    const right = this.#limit.begin(foldName(found.name), actor.address, digestOf(`own ${user}`));
    if (!(await this.#passwords.verify(given.old, found.hash))) throw new FaultError('CV_SIGN_IN_WRONG');
    right();
    const hash = await this.#passwords.hash(given.password);
    await this.#saveUser({ ...(this.#users.get(user) as User), hash });
    await this.#endSessions(this.sessionsOf(user, cookie).filter(({ current }) => !current));
    this.#note('user_change', actor, `password of ${found.name}`);
  }

  users(): User[] {
    return [...this.#users.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  user(id: string): User | null {
    return this.#users.get(id) ?? null;
  }

  userOf({ id, kind }: Principal): User | null {
    return kind === 'user' ? this.user(id.replace(/^user:/, '')) : null;
  }

  /** @returns a code by which they set a password, which is shown once. @throws CV_USER_NAME, CV_USER_NAME_TAKEN, CV_PEOPLE_FULL */
  async addUser(given: { name: string; grants: Grant[] }, actor: Actor): Promise<{ user: User; code: string; expiresAt: number }> {
    const user = this.#newUser(given.name, given.grants);
    const { code, link } = this.#newLink(user.id);
    await this.#saveWith(user, [row('links', link)]);
    this.#links.set(link.hash, link);
    this.#note('user_change', actor, `user ${user.name} added`);
    return { user, code, expiresAt: link.expiresAt };
  }

  /** @throws CV_USER_LAST_ADMINISTRATOR */
  async changeUser(id: string, given: { grants?: Grant[] | undefined; disabled?: boolean | undefined }, actor: Actor): Promise<User> {
    const before = this.#users.get(id) as User;
    const user: User = { ...before, grants: given.grants ?? before.grants, disabled: given.disabled ?? before.disabled };
    // One who has no password yet is none.
    const known = this.#administrators();
    if (known.length === 1 && known[0]?.id === id && !isAdministrator(user))
      throw new FaultError('CV_USER_LAST_ADMINISTRATOR', { name: before.name });
    await this.#saveUser(user);
    if (user.disabled) await this.#endSessions(this.sessionsOf(id, undefined));
    this.#note('user_change', actor, `user ${user.name} ${user.disabled ? 'disabled' : 'changed'}`);
    return user;
  }

  /** A link by which a user sets a password anew; earlier ones of theirs are void. */
  async newPasswordLink(id: string, actor: Actor): Promise<{ code: string; expiresAt: number }> {
    const old = [...this.#links.values()].filter(({ user }) => user === id);
    const { code, link } = this.#newLink(id);
    await this.#save([...old.map(({ hash }) => ['links', hash, null] as const), row('links', link)]);
    for (const { hash } of old) this.#links.delete(hash);
    this.#links.set(link.hash, link);
    this.#note('user_change', actor, `link for ${this.#users.get(id)?.name ?? ''}`);
    return { code, expiresAt: link.expiresAt };
  }

  /** A code that makes the first administrator; null where there is one. */
  async firstLink(): Promise<{ code: string; expiresAt: number } | null> {
    if (this.hasAdministrator) return null;
    const old = [...this.#links.values()]
      .filter(({ user }) => user === null)
      .toSorted((a, b) => b.expiresAt - a.expiresAt)
      .slice(MAX_FIRST_LINKS - 1);
    const { code, link } = this.#newLink(null);
    await this.#save([...old.map(({ hash }) => ['links', hash, null] as const), row('links', link)]);
    for (const { hash } of old) this.#links.delete(hash);
    this.#links.set(link.hash, link);
    return { code, expiresAt: link.expiresAt };
  }

  /**
   * Sets a password by a code, which is void from then on. The first administrator chooses a name too.
   *
   * @returns whose it is. @throws CV_SETUP_CODE, CV_USER_NAME, CV_USER_NAME_TAKEN, CV_USER_PASSWORD, CV_SIGN_IN_BUSY, CV_COMMAND_TOO_MANY
   */
  async setUp(given: { code: string; name?: string | undefined; password: string }, address: string): Promise<string> {
    const key = digestOf(given.code);
    const link = this.#links.get(key);
    const refuse = (): never => {
      this.#audit.append({ kind: 'refusal', who: '', from: address, what: 'set-up link', outcome: 'refused' });
      throw new FaultError('CV_SETUP_CODE');
    };
    const isValid = (): boolean =>
      link !== undefined &&
      this.#links.get(key) === link &&
      link.expiresAt > this.#world.clock.nowMs() &&
      (link.user === null ? !this.hasAdministrator : this.#users.get(link.user)?.disabled === false);
    if (!link || !isValid()) return refuse();
    const name = link.user === null ? checkName(given.name ?? '') : '';
    const hash = await this.#passwords.hash(given.password);
    // While it was hashed another may have used it.
    if (!isValid()) return refuse();
    const user =
      link.user === null
        ? { ...this.#newUser(name, [{ role: 'administrator', centre: ALL_CENTRES }]), hash }
        : { ...(this.#users.get(link.user) as User), hash };
    const void_ = link.user === null ? [...this.#links.values()].filter((one) => one.user === null) : [link];
    // Taken before it is on disk: of two that come at once one gets in.
    for (const one of void_) this.#links.delete(one.hash);
    try {
      await this.#saveWith(user, void_.map((one) => ['links', one.hash, null] as const));
    } catch (error) {
      for (const one of void_) this.#links.set(one.hash, one);
      throw error;
    }
    await this.#endSessions(this.sessionsOf(user.id, undefined));
    this.#audit.append({
      kind: 'user_change',
      who: user.name,
      from: address,
      what: link.user === null ? 'first administrator' : 'password by link',
      outcome: 'done',
    });
    return user.id;
  }

  #isKnownBrowser(user: User | undefined, browser: string | undefined): boolean {
    return browser !== undefined && (user?.browsers.includes(digestOf(browser)) ?? false);
  }

  #newUser(given: string, grants: Grant[]): User {
    if (this.#users.size >= MAX_USERS) throw new FaultError('CV_PEOPLE_FULL', { what: 'users', whatZh: '用户', max: MAX_USERS });
    const name = checkName(given);
    const taken = this.#byName.get(foldName(name));
    if (taken !== undefined) throw new FaultError('CV_USER_NAME_TAKEN', { name: this.#users.get(taken)?.name ?? name });
    const user = { id: randomUUID(), name, grants, disabled: false, hash: null, browsers: [], createdAt: this.#world.clock.nowMs() };
    // At once: while it is being saved nobody else takes it.
    this.#byName.set(foldName(name), user.id);
    return user;
  }

  #newLink(user: string | null): { code: string; link: SetUpLink } {
    const code = newSecret();
    return { code, link: { hash: digestOf(code), user, expiresAt: this.#world.clock.nowMs() + LINK_MS } };
  }

  #administrators(): User[] {
    return [...this.#users.values()].filter((user) => isAdministrator(user) && user.hash !== null);
  }

  #sessionOf(cookie: string): Session | null {
    const session = this.#sessions.get(digestOf(cookie));
    if (!session || !this.#isLive(session)) return null;
    session.usedAt = this.#world.clock.nowMs();
    this.#used.add(session);
    return session;
  }

  #isLive({ user, createdAt, usedAt }: Session): boolean {
    const nowMs = this.#world.clock.nowMs();
    const { idleMs, longestMs } = this.#sessionTimes();
    return this.#users.get(user)?.disabled === false && nowMs < usedAt + idleMs && nowMs < createdAt + longestMs;
  }

  async #endSessions(sessions: readonly Session[]): Promise<void> {
    for (const session of sessions) {
      this.#sessions.delete(session.hash);
      this.#used.delete(session);
    }
    if (sessions.length > 0) await this.#save(sessions.map(({ hash }) => ['sessions', hash, null] as const));
  }

  #putUser(user: User): void {
    this.#users.set(user.id, user);
    this.#byName.set(foldName(user.name), user.id);
  }

  #saveUser(user: User): Promise<void> {
    return this.#saveWith(user, []);
  }

  /** A user and what changes with them; a new one's name is free again where that fails. */
  async #saveWith(user: User, changes: readonly PeopleChange[]): Promise<void> {
    try {
      await this.#save([row('users', user), ...changes]);
    } catch (error) {
      if (!this.#users.has(user.id)) this.#byName.delete(foldName(user.name));
      throw error;
    }
    this.#putUser(user);
  }

  async #saveUse(): Promise<void> {
    const used = [...this.#used];
    this.#used.clear();
    const ended = [...this.#sessions.values()].filter((one) => !this.#isLive(one));
    for (const { hash } of ended) this.#sessions.delete(hash);
    const over = new Set(ended.map(({ hash }) => hash));
    const rows = [...used.filter(({ hash }) => !over.has(hash)).map((one) => row('sessions', one)), ...this.tokens.takeUsed()];
    if (rows.length + ended.length === 0) return;
    await this.#save([...rows, ...ended.map(({ hash }) => ['sessions', hash, null] as const)]).catch((error: unknown) => {
      this.#world.tell({ kind: 'fault', fault: faultOf(error, 'CV_PEOPLE_UNUSABLE') });
    });
  }

  async #save(changes: readonly PeopleChange[]): Promise<void> {
    if (!this.#isUsable) throw new FaultError('CV_PEOPLE_UNUSABLE', { detail: '' });
    await this.#file.save(changes);
  }

  #note(kind: AuditEntry['kind'], { principal, address }: Actor, what: string): void {
    this.#audit.append({ kind, who: principal.name, from: address, what, outcome: 'done' });
  }
}

const row = (table: 'users' | 'sessions' | 'links', one: User | Session | SetUpLink): PeopleChange => [
  table,
  table === 'users' ? (one as User).id : (one as Session).hash,
  JSON.stringify(one),
];

/** Of all centres: who can make others. */
const isAdministrator = ({ grants, disabled }: User): boolean =>
  !disabled && grants.some(({ role, centre }) => role === 'administrator' && centre === ALL_CENTRES);

const unknown = (what: string, whatZh: string, id: string, list: string) => new FaultError('CV_API_UNKNOWN_ID', { what, whatZh, id, list });

/** A row that does not parse makes the file unusable: a grant or a lock that is dropped would let somebody in. */
const parsed = <T>(schema: z.ZodType<T>, rows: readonly string[]): T[] => rows.map((json) => schema.parse(JSON.parse(json)));
