/** The way of a sample, device → edge log → gateway → store → warning, with live counts and milliseconds. */
import type { ComponentChildren } from 'preact';
import type { StatusView } from '../../../api/status.ts';
import { countText, dayText, msText } from '../../ui/format.ts';
import { useView } from '../../shell/view.ts';
import type { Dictionary } from '../../shell/dictionary.ts';
import { Icon } from '../../ui/icons.tsx';
import { SinksPanel } from './sinks.tsx';

export function DataPathPanel() {
  const { state, words } = useView();
  return (
    <section class="panel path" data-part="path" aria-labelledby="path-title">
      <h2 id="path-title">{words.path}</h2>
      {state.status && <ol class="path-nodes">{nodesOf(state.status, words)}</ol>}
      <PlaintextNote plaintext={state.status?.plaintext} />
      <SinksPanel sinks={state.status?.sinks ?? []} />
    </section>
  );
}

/** Edges that have to move to TLS, and by when. */
function PlaintextNote({ plaintext }: { plaintext: StatusView['plaintext'] }) {
  const { words } = useView();
  if (!plaintext || plaintext.edges.length === 0) return null;
  const { edges, until } = plaintext;
  return <p class="path-plaintext tone-late" data-part="plaintext">{words.plaintext(edges, until === null ? null : dayText(until))}</p>;
}

function nodesOf({ path, devices, edges }: StatusView, words: Dictionary): ComponentChildren {
  const facts = words.pathFacts;
  const away = edges.filter(({ online }) => !online).length;
  const behind = (lag: number) => (lag > 0 ? facts.lag(countText(lag)) : facts.upToDate);
  const refusals = [
    path.duplicates > 0 ? `${facts.twice} ${countText(path.duplicates)}` : '',
    path.refused > 0 ? `${facts.refused} ${countText(path.refused)}` : '',
  ]
    .filter((text) => text !== '')
    .join(' · ');
  return [
    <Node
      key="device"
      name={words.pathNodes.device}
      figure={countText(devices.total)}
      note={facts.fresh(devices.fresh, devices.total)}
      tone={devices.lost > 0 ? 'lost' : devices.fresh < devices.total ? 'late' : 'good'}
    />,
    <Node
      key="edge"
      name={words.pathNodes.edge}
      figure={countText(path.edgeDepth)}
      unit={facts.depth}
      tone={away > 0 ? 'late' : 'good'}
      note={away > 0 ? facts.edgesAway(away) : ''}
    />,
    <Node
      key="gateway"
      name={words.pathNodes.gateway}
      figure={countText(path.accepted)}
      unit={facts.accepted}
      ms={path.acceptMs}
      note={refusals}
      tone={path.refused > 0 ? 'late' : 'good'}
    />,
    <Node
      key="store"
      name={words.pathNodes.store}
      figure={countText(path.stored)}
      unit={facts.stored}
      ms={path.storeMs}
      note={behind(path.storeLag)}
      tone="good"
    />,
    <Node
      key="warning"
      name={words.pathNodes.warning}
      figure={countText(path.warningsOpen)}
      unit={facts.open}
      ms={path.warnMs}
      note={behind(path.rulesLag)}
      tone="good"
    />,
  ];
}

interface NodeProps {
  name: string;
  figure: string;
  unit?: string;
  /** From the moment of the event to here. */
  ms?: number | null;
  note: string;
  tone: 'good' | 'late' | 'lost';
}

function Node({ name, figure, unit, ms, note, tone }: NodeProps) {
  return (
    <li class={`node is-${tone}`}>
      <span class="node-way"><Icon name="arrow" />{ms !== undefined && ms !== null && <span class="node-ms">{msText(ms)}</span>}</span>
      <span class="node-body">
        <span class="node-name">{name}</span>
        <span class="node-figure">{figure}{unit && <span class="unit">{unit}</span>}</span>
        <span class="node-note">{note === '' ? '\u00a0' : note}</span>
      </span>
    </li>
  );
}
