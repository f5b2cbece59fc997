/** A line over time with its limits drawn in; the caller says which span is shown. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Level } from '../../api/fields.ts';
import { clockTime } from './format.ts';
import type { Limit } from '../data/limits.ts';

export interface ChartData {
  /** ms UTC, rising. */
  at: number[];
  /** null where there is no good number: the line breaks. */
  value: (number | null)[];
}

/** Height that a limit's label takes. */
const LABEL_PX = 17;

interface ChartProps {
  data: ChartData;
  from: number;
  to: number;
  limits: readonly Limit[];
  /** The label of a limit line, such as “橙色阈值 3.0”. */
  limitText(level: Level, value: number): string;
  /** A moment to point at. */
  marker?: number | null;
  /** What happened at its time and is over: a dot each, no line from one to the next. */
  isHappened?: boolean;
  /** At least so high; it fills what its panel has. */
  heightPx: number;
  /** What is seen, for those who do not see it. */
  label: string;
}

export function Chart(props: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  // The drawing hooks outlive a render, so they read what holds now.
  const latest = useRef(props);
  latest.current = props;

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const own = new uPlot(optionsFor(element, latest), toAligned(latest.current.data), element);
    plot.current = own;
    const resize = new ResizeObserver(() => own.setSize({ width: element.clientWidth, height: element.clientHeight }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      own.destroy();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    const own = plot.current;
    if (!own) return;
    own.batch(() => {
      own.setData(toAligned(props.data), false);
      own.setScale('x', { min: props.from, max: props.to });
      own.setScale('y', spanOf(props));
    });
  }, [props.data, props.from, props.to, props.limits]);

  return <div class="chart" ref={box} role="img" aria-label={props.label} style={{ minHeight: `${props.heightPx}px` }} />;
}

const toAligned = (data: ChartData): uPlot.AlignedData => [data.at, data.value];

/** All values and limits, with air around them; never below zero when nothing is. */
function spanOf({ data, limits, from, to }: ChartProps): { min: number; max: number } {
  const shown = data.value.filter(
    (value, index): value is number => value !== null && (data.at[index] ?? 0) >= from && (data.at[index] ?? 0) <= to,
  );
  const all = [...shown, ...limits.map(({ value }) => value)];
  if (all.length === 0) return { min: 0, max: 1 };
  const low = Math.min(...all);
  const high = Math.max(...all);
  const air = (high - low) * 0.18 || Math.abs(high) * 0.1 || 1;
  return { min: low >= 0 ? Math.max(0, low - air) : low - air, max: high + air };
}

function optionsFor(element: HTMLElement, latest: { current: ChartProps }): uPlot.Options {
  const colour = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
  const axis = (): Pick<uPlot.Axis, 'stroke' | 'grid' | 'ticks' | 'font'> => ({
    stroke: () => colour('--muted'), font: '12px system-ui, sans-serif',
    grid: { stroke: () => colour('--hairline'), width: 1 }, ticks: { show: false },
  });
  return {
    width: element.clientWidth || 300, height: latest.current.heightPx, ms: 1, padding: [10, 8, 0, 0],
    legend: { show: false }, cursor: { show: false },
    scales: { x: { time: true, auto: false }, y: { auto: false } },
    axes: [
      { ...axis(), size: 26, space: 80, values: (_plot, splits) => splits.map(clockTime) },
      { ...axis(), size: 46, space: 36, values: (_plot, splits) => splits.map((split) => String(Number(split.toPrecision(6)))) },
    ],
    series: [
      {},
      {
        stroke: () => colour('--line'),
        width: 2.5,
        spanGaps: false,
        ...(latest.current.isHappened
          ? { paths: () => null, points: { show: true, size: 8, fill: () => colour('--line') } }
          : { points: { show: false } }),
      },
    ],
    hooks: {
      draw: [
        (plot) => {
          const { limits, limitText, marker } = latest.current;
          drawLimits(
            plot,
            limits
              .toSorted((one, other) => other.value - one.value)
              .map(({ level, value }) => ({ at: value, text: limitText(level, value), colour: colour(`--level-${level}-line`) })),
            colour('--panel'),
          );
          if (marker !== null && marker !== undefined) drawMarker(plot, marker, colour('--text'));
          drawHead(plot, colour('--line'), colour('--panel'));
        },
      ],
    },
  };
}

interface Label {
  left: number;
  right: number;
  top: number;
}

interface DrawnLimit {
  at: number;
  text: string;
  colour: string;
}

/** All lines first, then their labels: above the line, else below it, else further to the right, wherever none is covered. */
function drawLimits(plot: uPlot, limits: readonly DrawnLimit[], ground: string): void {
  const { ctx, bbox } = plot;
  const px = devicePixelRatio;
  const labels: Label[] = [];
  ctx.save();
  ctx.lineWidth = 1.5 * px;
  ctx.setLineDash([7 * px, 5 * px]);
  for (const { at, colour } of limits) {
    const y = plot.valToPos(at, 'y', true);
    ctx.strokeStyle = colour;
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  ctx.font = `600 ${12 * px}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.lineJoin = 'round';
  // A halo of the panel's colour keeps the words readable where a line passes.
  ctx.lineWidth = 4 * px;
  ctx.strokeStyle = ground;
  for (const { at, text, colour } of limits) {
    const label = placeFor(ctx.measureText(text).width, plot.valToPos(at, 'y', true), bbox.left + 6 * px, labels);
    labels.push(label);
    ctx.fillStyle = colour;
    ctx.strokeText(text, label.left, label.top);
    ctx.fillText(text, label.left, label.top);
  }
  ctx.restore();
}

function placeFor(width: number, y: number, left: number, others: readonly Label[]): Label {
  const px = devicePixelRatio;
  const [above, below] = [y - LABEL_PX * px, y + 4 * px];
  const isFree = (place: Label) =>
    others.every((other) => place.right < other.left || place.left > other.right || Math.abs(place.top - other.top) > (LABEL_PX - 3) * px);
  for (let start = left; ; start = Math.max(start + 1, ...others.map((other) => other.right)) + 14 * px) {
    const found = [above, below].map((top) => ({ left: start, right: start + width, top })).find(isFree);
    if (found) return found;
  }
}

function drawMarker(plot: uPlot, atMs: number, colour: string): void {
  const { ctx, bbox } = plot;
  const x = plot.valToPos(atMs, 'x', true);
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}

/** A dot at the newest value, so that the eye finds “now”. */
function drawHead(plot: uPlot, colour: string, ground: string): void {
  const { ctx, data } = plot;
  const last = (data[1] as (number | null)[]).findLastIndex((value) => value !== null);
  const at = data[0][last];
  const value = data[1]?.[last];
  if (at === undefined || typeof value !== 'number') return;
  ctx.save();
  ctx.beginPath();
  ctx.arc(plot.valToPos(at, 'x', true), plot.valToPos(value, 'y', true), 4.5 * devicePixelRatio, 0, 2 * Math.PI);
  ctx.fillStyle = colour;
  ctx.strokeStyle = ground;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.fill();
  ctx.stroke();
  ctx.restore();
}
