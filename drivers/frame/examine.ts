/** Checks a device's description and points without a device. */
import type { Fault } from '../../core/faults.ts';
import { hexProblem } from './digits.ts';
import './faults.ts';
import { readableFields } from './frame.ts';
import { encodeIdentity } from './identity.ts';
import { loadDescription } from './load-description.ts';
import type { ConfiguredFramePoint, FrameSettings } from './settings.ts';

/** Everything wrong with the description, and points that read fields it does not have. */
export async function examine(settings: FrameSettings, points: readonly ConfiguredFramePoint[]): Promise<Fault[]> {
  const { protocol, faults } = loadDescription(settings.description);
  if (!protocol) return faults;
  const fields = readableFields(protocol);
  const known = [...fields.keys()].join(', ');
  const { identity } = settings;
  const isFitting = identity === undefined || encodeIdentity(identity, protocol) !== null;
  return [
    ...(isFitting
      ? []
      : [
          {
            code: 'CV_DESCRIBED_IDENTITY' as const,
            params: { identity, problem: 'it does not fit the identity field of the description', problemZh: '与描述中的标识字段不符' },
          },
        ]),
    ...points
      .filter(({ read }) => !fields.has(read))
      .map(({ id, read }) => ({ code: 'CV_DESCRIBED_POINT' as const, params: { point: id, read, known } })),
    ...points.flatMap(({ id, read, where }) =>
      Object.entries(where).flatMap(([name, wanted]): Fault[] => {
        const field = fields.get(read);
        if (!field) return [];
        const slot = field.names.get(name);
        const digits = slot === undefined ? undefined : field.digits.get(slot);
        const problem =
          slot === undefined
            ? { en: 'there is no such field in the same message or repetition', zh: '其旁没有该字段' }
            : digits?.type === 'hex'
              ? hexProblem(wanted, digits)
              : null;
        return problem
          ? [
              {
                code: 'CV_DESCRIBED_WHERE',
                params: { point: id, name, problem: problem.en, problemZh: problem.zh, known: [...field.names.keys()].join(', ') },
              },
            ]
          : [];
      }),
    ),
  ];
}
