/** What stands under the picture of a camera that cannot be watched live: a sharp picture of now, for operators. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { BilingualText } from '../../../api/fields.ts';
import type { PictureView } from '../../../api/pictures.ts';
import { RefusedError } from '../../shell/gateway-link.ts';
import { signInOperator, signOutOperator } from '../../shell/operator.ts';
import { takeSnapshot } from './pictures.ts';
import { useView } from '../../shell/view.ts';
import { pickText } from '../../shell/dictionary.ts';
import { Icon } from '../icons.tsx';
import { Prose } from '../prose.tsx';
import { TokenForm } from '../token.tsx';

type Taking = { is: 'idle' | 'taking' | 'token' } | { is: 'failed'; why: BilingualText };

export function SnapshotBar({
  device,
  snapshot,
  show,
}: {
  device: string;
  snapshot: PictureView | null;
  show(picture: PictureView | null): void;
}) {
  const { words, lang } = useView();
  const [taking, setTaking] = useState<Taking>({ is: 'idle' });
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);

  function take(): void {
    setTaking({ is: 'taking' });
    takeSnapshot(device, words.snapshotReason, stop.current.signal).then(({ picture, fault, status }) => {
      if (picture) show(picture);
      const sentence = (language: 'zh' | 'en') => (fault ? `${fault.message[language]} ${fault.remedy[language]}` : status);
      setTaking(picture ? { is: 'idle' } : { is: 'failed', why: { zh: sentence('zh'), en: sentence('en') } });
    }, (error: unknown) => {
      if (stop.current.signal.aborted) return;
      if (error instanceof RefusedError && error.problem.status === 401) {
        signOutOperator();
        return setTaking({ is: 'token' });
      }
      const why = error instanceof RefusedError ? `${error.problem.detail} ${error.problem.remedy}` : words.gone;
      setTaking({ is: 'failed', why: { zh: why, en: why } });
    });
  }

  return (
    <div class="live-bar" data-part="snapshot">
      {snapshot
        ? <button type="button" onClick={() => show(null)}><Icon name="back" />{words.snapshotBack}</button>
        : <button type="button" disabled={taking.is === 'taking'} onClick={take}><Icon name="camera" />{words.snapshotTake}</button>}
      <span aria-live="polite">
        {taking.is === 'taking' && <span class="quiet">{words.snapshotTaking}</span>}
        {taking.is === 'failed' && <span class="tone-late"><Prose text={pickText(taking.why, lang)} /></span>}
        {taking.is === 'idle' && !snapshot && <span class="quiet">{words.liveElsewhere}</span>}
      </span>
      {taking.is === 'token' && <TokenForm act={words.snapshotTake} give={(token) => { signInOperator(token); take(); }} />}
    </div>
  );
}
