/** What a warning looked like: its picture and its clip, once they have come; they follow their event. */
import { useEffect, useState } from 'preact/hooks';
import type { WarningView } from '../../api/warnings.ts';
import { clockTime, fullTime } from './format.ts';
import { useView } from '../shell/view.ts';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;

export const snapshotOf = ({ snapshots }: WarningView) => snapshots?.find(({ variant }) => variant === 'annotated') ?? snapshots?.[0];
export const pathOf = ({ sha256 }: { sha256: string }) => `./api/v1/evidence/${sha256}`;

type Arrival = 'coming' | 'missing' | 'there';

/** A file that is not there yet is asked for again, less and less often. */
function useArrival(): [Arrival, (state: Arrival) => void] {
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<Arrival>('coming');
  useEffect(() => {
    if (state !== 'missing') return;
    const timer = setTimeout(() => {
      setAttempt(attempt + 1);
      setState('coming');
    }, Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** attempt));
    return () => clearTimeout(timer);
  }, [state, attempt]);
  return [state, setState];
}

/** A click opens it in full. */
export function EvidencePictures({ warning }: { warning: WarningView }) {
  const { words } = useView();
  const [state, setState] = useArrival();
  const snapshot = snapshotOf(warning);
  if (!snapshot) return null;
  // A moment later, and of the main stream.
  const sharper = warning.snapshots?.filter(({ stream }) => stream === 'main') ?? [];
  const path = pathOf(snapshot);
  return (
    <figure class="card-picture" data-part="warning-picture" data-state={state}>
      {state !== 'missing' && (
        <a href={path} target="_blank" rel="noreferrer" hidden={state !== 'there'}>
          <img
            src={path}
            width={snapshot.width}
            height={snapshot.height}
            alt={words.snapshotAlt(warning.device)}
            onLoad={() => setState('there')}
            onError={() => setState('missing')}
          />
        </a>
      )}
      <figcaption class="quiet">
        {state === 'there' ? words.snapshotShown(snapshot.blurred) : words.snapshotComing}
        {sharper.map((one) => (
          <a
            key={one.sha256}
            class="reason"
            data-part="warning-main-picture"
            href={pathOf(one)}
            target="_blank"
            rel="noreferrer"
            title={fullTime(one.at ?? warning.onsetAt)}
          >
            {words.snapshotMain(clockTime(one.at ?? warning.onsetAt))}
          </a>
        ))}
      </figcaption>
    </figure>
  );
}

/** The copy that came is played; of one that stays on its edge it is said that it is there, and under which name. */
export function EvidenceClips({ warning: { clips = [], device } }: { warning: WarningView }) {
  const { words } = useView();
  const [state, setState] = useArrival();
  const copy = clips.find(({ blurred }) => blurred);
  const own = clips.find(({ blurred }) => !blurred);
  if (!copy)
    return own ? (
      <p class="quiet" data-part="warning-clip-kept" title={own.sha256}>
        {words.clipKept(Math.round(own.durationMs / 1000), own.sha256.slice(0, 16))}
      </p>
    ) : null;
  return (
    <figure class="card-picture" data-part="warning-clip" data-state={state}>
      {state !== 'missing' && (
        <video
          src={pathOf(copy)}
          width={copy.width}
          height={copy.height}
          controls
          muted
          playsInline
          preload="metadata"
          aria-label={words.clipAlt(device)}
          hidden={state !== 'there'}
          onLoadedMetadata={() => setState('there')}
          onError={() => setState('missing')}
        />
      )}
      <figcaption class="quiet">{state === 'there' ? words.clipShown(Math.round(copy.durationMs / 1000)) : words.clipComing}</figcaption>
    </figure>
  );
}
