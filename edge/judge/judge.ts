/** judge: passes everything on. The place of the rules that run on the edge, which come later. */
import type { Draft } from '../../core/event.ts';
import type { Station } from '../../core/line.ts';

export const judge = (): Station<Draft, Draft> => ({ name: 'judge', take: (drafts, give) => give(drafts) });
