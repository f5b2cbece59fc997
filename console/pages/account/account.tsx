/** What somebody has of their own: roles, browsers that are signed in, tokens, a password. */
import { useEffect, useState } from 'preact/hooks';
import type { Page } from '../../../api/fields.ts';
import type { Permission } from '../../../api/permissions.ts';
import type { AccountSessionView, NewTokenView, TokenView } from '../../../api/users.ts';
import { requestApi, requestChange } from '../../shell/gateway-link.ts';
import { grantsText, useSession } from '../../shell/session.ts';
import { useView } from '../../shell/view.ts';
import { FormField, RequestForm, useRequest } from '../../ui/form.tsx';
import { fullTime } from '../../ui/format.ts';
import { Icon } from '../../ui/icons.tsx';

/** A token is made for these alone: a person administers. */
const OFFERED: readonly Permission[] = ['read', 'read_evidence', 'watch_live', 'command', 'bind_devices'];

export function AccountPage() {
  const { words } = useView();
  const session = useSession(true);
  if (session === null) return null;
  return (
    <>
      <a class="back" href="#/">
        <Icon name="back" />
        {words.back}
      </a>
      <section class="panel people" data-part="account">
        <h2>{session.name ?? words.signedOut}</h2>
        <p>{words.grantsOf(grantsText(session.grants, words))}</p>
      </section>
      {session.kind === 'user' && (
        <>
          <Sessions />
          <Tokens mine={session.permissions} centres={[...new Set(session.grants.map(({ centre }) => centre))]} />
          <Password />
        </>
      )}
    </>
  );
}

function Sessions() {
  const { words } = useView();
  const { items, again } = useList<AccountSessionView>('account/sessions');
  const { run, refused } = useRequest();
  return (
    <section class="panel people" data-part="sessions">
      <h2>{words.sessions}</h2>
      <ul>
        {items.map(({ id, agent, address, usedAt, current }) => (
          <li key={id}>
            <span>
              {address} <span class="quiet">{agent}</span>
            </span>
            <span class="quiet">{current ? words.thisOne : words.usedAt(fullTime(usedAt))}</span>
            {!current && (
              <button
                type="button"
                onClick={() =>
                  void run(async () => {
                    await requestChange('DELETE', `account/sessions/${id}`);
                    again();
                  })
                }
              >
                {words.end}
              </button>
            )}
          </li>
        ))}
      </ul>
      <p class="sign-in-wrong" role="alert">
        {refused}
      </p>
    </section>
  );
}

function Tokens({ mine, centres }: { mine: readonly Permission[]; centres: readonly string[] }) {
  const { words } = useView();
  const { items, again } = useList<TokenView>('account/tokens');
  const { run, refused } = useRequest();
  const [name, setName] = useState('');
  const [days, setDays] = useState('90');
  const [chosen, setChosen] = useState<readonly Permission[]>(['read']);
  const [made, setMade] = useState<string | null>(null);
  return (
    <section class="panel people" data-part="tokens">
      <h2>{words.tokens}</h2>
      <p class="quiet">{words.tokensWhy}</p>
      {items.length === 0 && <p>{words.noTokens}</p>}
      <ul>
        {items.map((token) => (
          <li key={token.id}>
            <span>
              {token.name} <span class="quiet">{token.permissions.map((one) => words.permissionNames[one]).join(' · ')}</span>
            </span>
            <span class="quiet">
              {words.expiresAt(fullTime(token.expiresAt))} ·{' '}
              {token.usedAt === null ? words.neverUsed : words.usedAt(fullTime(token.usedAt))}
            </span>
            <button
              type="button"
              onClick={() =>
                void run(async () => {
                  await requestChange('DELETE', `account/tokens/${token.id}`);
                  again();
                })
              }
            >
              {words.remove}
            </button>
          </li>
        ))}
      </ul>
      <p class="sign-in-wrong" role="alert">
        {refused}
      </p>
      {made !== null && (
        <p data-part="token-made">
          {words.tokenShown} <code>{made}</code>
        </p>
      )}
      <RequestForm
        part="token-form"
        title={words.tokenMake}
        act={words.tokenMake}
        isReady={name !== '' && chosen.length > 0 && Number(days) > 0}
        send={async () => {
          const { token } = await requestChange<NewTokenView>('POST', 'account/tokens', {
            name,
            permissions: chosen,
            centres,
            days: Number(days),
          });
          setMade(token);
          setName('');
          again();
        }}
      >
        <FormField label={words.tokenName} value={name} set={setName} />
        <FormField label={words.tokenDays} value={days} set={setDays} />
        <fieldset>
          <legend>{words.permissions}</legend>
          {OFFERED.filter((one) => mine.includes(one)).map((one) => (
            <label key={one} class="check">
              <input
                type="checkbox"
                checked={chosen.includes(one)}
                onChange={(event) => setChosen(event.currentTarget.checked ? [...chosen, one] : chosen.filter((other) => other !== one))}
              />
              {words.permissionNames[one]}
            </label>
          ))}
        </fieldset>
      </RequestForm>
    </section>
  );
}

function Password() {
  const { words } = useView();
  const [old, setOld] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [isDone, setDone] = useState(false);
  return (
    <section class="panel people" data-part="password">
      <RequestForm
        part="password-form"
        title={words.changePassword}
        act={words.save}
        wrong={again !== '' && again !== password ? words.differs : null}
        isReady={old !== '' && password !== '' && again === password}
        send={async () => {
          await requestChange('POST', 'account/password', { old, password });
          for (const clear of [setOld, setPassword, setAgain]) clear('');
          setDone(true);
        }}
      >
        <FormField label={words.passwordNow} type="password" complete="current-password" value={old} set={setOld} />
        <FormField label={words.passwordNew} type="password" complete="new-password" value={password} set={setPassword} />
        <FormField label={words.repeat} type="password" complete="new-password" value={again} set={setAgain} />
        {isDone && <p role="status">{words.passwordChanged}</p>}
      </RequestForm>
    </section>
  );
}

function useList<T>(path: string): { items: T[]; again(): void } {
  const [items, setItems] = useState<T[]>([]);
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    let isGone = false;
    requestApi<Page<T>>(`${path}?limit=1000`).then(
      (page) => {
        if (!isGone) setItems(page.items);
      },
      () => undefined,
    );
    return () => {
      isGone = true;
    };
  }, [path, turn]);
  return { items, again: () => setTurn(turn + 1) };
}
