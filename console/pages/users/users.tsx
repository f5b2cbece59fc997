/** Users of this gateway: their roles, adding one, disabling one, a link for a password. */
import { useEffect, useState } from 'preact/hooks';
import type { Page } from '../../../api/fields.ts';
import type { Role } from '../../../api/permissions.ts';
import type { UserLinkView, UserView } from '../../../api/users.ts';
import { requestApi, requestChange } from '../../shell/gateway-link.ts';
import { grantsText } from '../../shell/session.ts';
import { useView } from '../../shell/view.ts';
import { FormField, RequestForm, useRequest } from '../../ui/form.tsx';
import { Icon } from '../../ui/icons.tsx';

export function UsersPage() {
  const { words } = useView();
  const [users, setUsers] = useState<UserView[]>([]);
  const [turn, setTurn] = useState(0);
  const [made, setMade] = useState<UserLinkView | null>(null);
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('viewer');
  const [centre, setCentre] = useState('');
  const { run, refused } = useRequest();
  useEffect(() => {
    void run(async () => setUsers((await requestApi<Page<UserView>>('users?limit=1000')).items));
  }, [turn]);
  const change = (ask: () => Promise<unknown>): void =>
    void run(async () => {
      await ask();
      setTurn(turn + 1);
    });
  return (
    <>
      <a class="back" href="#/">
        <Icon name="back" />
        {words.back}
      </a>
      <section class="panel people" data-part="users">
        <h2>{words.users}</h2>
        <ul>
          {users
            .toSorted((a, b) => a.name.localeCompare(b.name))
            .map((user) => (
              <li key={user.id} class={user.disabled ? 'quiet' : ''}>
                <span>
                  {user.name} <span class="quiet">{grantsText(user.grants, words)}</span>
                </span>
                <span class="quiet">
                  {user.disabled ? words.disabled : user.byProvider ? words.byProvider : user.hasPassword ? '' : words.noPassword}
                </span>
                <span class="acts">
                  <button
                    type="button"
                    onClick={() => change(async () => setMade(await requestChange<UserLinkView>('POST', `users/${user.id}/setup-code`)))}
                  >
                    {words.newLink}
                  </button>
                  <button
                    type="button"
                    onClick={() => change(() => requestChange('POST', `users/${user.id}`, { disabled: !user.disabled }))}
                  >
                    {user.disabled ? words.enable : words.disable}
                  </button>
                </span>
              </li>
            ))}
        </ul>
        <p class="sign-in-wrong" role="alert">
          {refused}
        </p>
        {made && (
          <p data-part="user-link">
            {words.linkShown(made.user.name)} <code>{`${location.origin}${location.pathname}#/setup/${made.code}`}</code>
          </p>
        )}
      </section>
      <section class="panel people">
        <RequestForm
          part="user-form"
          title={words.userAdd}
          act={words.userAdd}
          isReady={name.trim() !== '' && centre.trim() !== ''}
          send={async () => {
            setMade(await requestChange<UserLinkView>('POST', 'users', { name, grants: [{ role, centre: centre.trim() }] }));
            setName('');
            setTurn(turn + 1);
          }}
        >
          <FormField label={words.signInUser} value={name} set={setName} />
          <label>
            <span>{words.role}</span>
            <select value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
              {(Object.keys(words.roles) as Role[]).map((one) => (
                <option key={one} value={one}>
                  {words.roles[one]}
                </option>
              ))}
            </select>
          </label>
          <FormField label={words.centre} value={centre} set={setCentre} />
        </RequestForm>
      </section>
    </>
  );
}
