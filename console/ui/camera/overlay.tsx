/** What is seen in a live picture: drawn over it, and in words below it. */
import { useEffect, useRef } from 'preact/hooks';
import { freshness, overlayTexts, type LiveNotes } from './live-notes.ts';
import { drawNotes } from './draw-notes.ts';
import { useView } from '../../shell/view.ts';

/** Results fade between two of them. */
const REDRAW_MS = 200;

export function Overlay({ notes }: { notes: LiveNotes }) {
  const { state, words, lang } = useView();
  const canvas = useRef<HTMLCanvasElement | null>(null);
  const { clockOffsetMs } = state;
  useEffect(() => {
    const draw = (): void => { if (canvas.current) drawNotes(canvas.current, notes, Date.now() + clockOffsetMs, words, lang); };
    draw();
    const timer = setInterval(draw, REDRAW_MS);
    return () => clearInterval(timer);
  }, [notes, clockOffsetMs, lang]);
  return <canvas ref={canvas} class="overlay" data-part="overlay" aria-hidden="true" />;
}

export function OverlayTexts({ notes }: { notes: LiveNotes }) {
  const { words, lang, now } = useView();
  if (!notes.scene) return null;
  const isOld = freshness(notes, now) === 0;
  return (
    <div class="sayings" data-part="sayings">
      {notes.scene.isReplay ? <p class="quiet">{words.notesReplay}</p> : isOld && <p class="tone-late">{words.notesOld}</p>}
      <ul class={isOld ? 'is-old' : ''}>
        {overlayTexts(notes, words, lang)
          .filter(({ said }) => said.length > 0)
          .map(({ id, name, said }) => (
            <li key={id}>
              <span class="quiet">{name}</span>{' '}
              {said.map((one) => (
                <strong key={one}>{one} </strong>
              ))}
            </li>
          ))}
      </ul>
    </div>
  );
}
