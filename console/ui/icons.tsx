/** Icons: one shape a state and a level, so that none depends on its colour. 24 × 24, drawn in the text's colour. */
import type { JSX } from 'preact';
import type { Freshness } from '../../api/devices.ts';
import type { Level } from '../../api/fields.ts';

const line = { fill: 'none', stroke: 'currentColor', 'stroke-width': 2, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' } as const;
const bang = <path d="M12 7.5v5.2M12 16.4v.1" {...line} stroke="var(--icon-ink)" stroke-width={2.4} />;

const SHAPES = {
  level1: (
    <>
      <path d="M8.2 2h7.6L22 8.2v7.6L15.8 22H8.2L2 15.8V8.2z" fill="currentColor" />
      {bang}
    </>
  ),
  level2: (
    <>
      <path d="M12 1.8 23 21.5H1z" fill="currentColor" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" />
      <path d="M12 9v5.4M12 17.7v.1" {...line} stroke="var(--icon-ink)" stroke-width={2.4} />
    </>
  ),
  level3: (
    <>
      <path d="M12 1.4 22.6 12 12 22.6 1.4 12z" fill="currentColor" stroke-linejoin="round" />
      {bang}
    </>
  ),
  level4: (
    <>
      <circle cx="12" cy="12" r="10.6" fill="currentColor" />
      <path d="M12 11.2v5.4M12 7.4v.1" {...line} stroke="var(--icon-ink)" stroke-width={2.4} />
    </>
  ),
  fresh: (
    <>
      <circle cx="12" cy="12" r="9" {...line} />
      <path d="m8 12.3 2.8 2.8L16.2 9.6" {...line} />
    </>
  ),
  late: (
    <>
      <circle cx="12" cy="12" r="9" {...line} />
      <path d="M12 7v5.2l3.2 2" {...line} />
    </>
  ),
  impaired: (
    <>
      <circle cx="12" cy="12" r="9" {...line} />
      <path d="M12 7.2v5.6M12 16.4v.1" {...line} stroke-width={2.4} />
    </>
  ),
  lost: (
    <>
      <rect x="3" y="3" width="18" height="18" rx="3" {...line} />
      <path d="m8.5 8.5 7 7m0-7-7 7" {...line} />
    </>
  ),
  unobserved: (
    <>
      <path d="M3 12s3.4-6 9-6 9 6 9 6-3.4 6-9 6-9-6-9-6z" {...line} stroke-dasharray="2.6 3" />
      <path d="M4 20 20 4" {...line} />
    </>
  ),
  check: <path d="m4.5 12.8 4.8 4.7L19.5 7" {...line} stroke-width={2.6} />,
  cross: <path d="m6 6 12 12M18 6 6 18" {...line} stroke-width={2.6} />,
  unplugged: <path d="M4 20 20 4M8.5 8.5 5.6 11.4a4.4 4.4 0 0 0 6.2 6.2l2.7-2.7M12 6.2l.4-.4a4.4 4.4 0 0 1 6.2 6.2l-.7.7" {...line} />,
  bolt: <path d="M13 2 5 13.5h6L10.5 22 19 10h-6.3z" {...line} />,
  arrow: <path d="M4 12h15m-5.5-5.5L19 12l-5.5 5.5" {...line} />,
  back: <path d="M20 12H5m5.5-5.5L5 12l5.5 5.5" {...line} />,
  camera: <><path d="M3 7.5h4l1.6-2.5h6.8L17 7.5h4v11.5H3z" {...line} /><circle cx="12" cy="13" r="3.6" {...line} /></>,
  play: <path d="M7 4.5v15l12-7.5z" {...line} />,
  pin: <><path d="M12 21.5s7-6.4 7-11.8a7 7 0 0 0-14 0c0 5.4 7 11.8 7 11.8z" {...line} /><circle cx="12" cy="9.6" r="2.4" {...line} /></>,
  clock: <><circle cx="12" cy="12" r="9" {...line} /><path d="M12 7v5.2l3.2 2" {...line} /></>,
  chart: <path d="M3 20h18M4 15l4.5-5 4 3.5L20 6" {...line} />,
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof SHAPES;

/** Decoration beside a word that says the same, so it is hidden from screen readers. */
export function Icon({ name }: { name: IconName }) {
  return <svg class={`icon icon-${name}`} viewBox="0 0 24 24" aria-hidden="true" focusable="false">{SHAPES[name]}</svg>;
}

export const levelIcon = (level: Level): IconName => `level${level}`;
export const freshnessIcon = (freshness: Freshness): IconName => freshness;
