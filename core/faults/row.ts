import type { Flag } from '../event.ts';

type Stage = 'check' | 'open' | 'read' | 'decode' | 'infer' | 'qualify' | 'judge' | 'keep' | 'forward' | 'command' | 'broker' | 'accept' | 'store' | 'sink' | 'warn' | 'api' | 'cli' | 'setup';
type Retry = 'never' | 'next' | 'backoff' | 'after-change';
type Actor = 'field-engineer' | 'operator' | 'developer' | 'nobody';
/** [what happened, what to do]; `{name}` is filled in. The remedy is '' only where nobody has to act. */
type Sentences = readonly [message: string, remedy: string];

export interface FaultRow {
  stage: Stage;
  retry: Retry;
  actor: Actor;
  /** The flag that values carry when this fault took them. */
  flag?: Flag;
  /** HTTP status when the API answers with it (problem+json). */
  status?: number;
  en: Sentences;
  zh: Sentences;
}
