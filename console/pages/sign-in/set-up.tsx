/** Sets a password by a link; the first administrator chooses a name too. */
import { useEffect, useState } from 'preact/hooks';
import type { SessionView } from '../../../api/session.ts';
import type { SignInWaysView } from '../../../api/users.ts';
import { requestApi } from '../../shell/gateway-link.ts';
import { useView } from '../../shell/view.ts';
import { FormField, RequestForm } from '../../ui/form.tsx';

export function SetUp({ code, done }: { code: string; done(): void }) {
  const { words } = useView();
  const [isFirst, setFirst] = useState(false);
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  useEffect(() => {
    requestApi<SignInWaysView>('sign-in').then(
      (ways) => setFirst(ways.setUp),
      () => undefined,
    );
  }, []);
  return (
    <RequestForm
      part="set-up"
      title={isFirst ? words.setUpFirst : words.setUp}
      why={words.setUpWhy}
      act={words.setUpDone}
      wrong={again !== '' && again !== password ? words.differs : null}
      isReady={password !== '' && again === password && (!isFirst || name.trim() !== '')}
      send={async () => {
        await requestApi<SessionView>('setup', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ code, password, ...(isFirst && { name }) }),
        });
        done();
      }}
    >
      {isFirst && <FormField label={words.signInUser} complete="username" value={name} set={setName} />}
      <FormField label={words.passwordNew} type="password" complete="new-password" value={password} set={setPassword} />
      <FormField label={words.repeat} type="password" complete="new-password" value={again} set={setAgain} />
    </RequestForm>
  );
}
