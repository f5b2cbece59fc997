/** What an installer writes for what a camera looks at: zones, lines, and where the ground is. */
import { z } from 'zod';
import { IDS } from '../core/event.ts';
import { settingIssue, durationMs, timeZone } from '../core/setting.ts';
import { polygonArea, repeatedCorner, selfCrossing, type PicturePoint } from './geometry.ts';
import { homographyOf } from './homography.ts';
import { DAYS, minutesOf } from './schedule.ts';

const DAY_MS = 86_400_000;
const within = (mostMs: number) => durationMs().refine((ms) => ms <= mostMs, settingIssue('must be at most 1d', '不能超过 1d'));
const span = () => within(DAY_MS);

const id = z
  .string()
  .regex(/^[a-z0-9-]{1,32}$/)
  .meta({ zh: '编号：小写字母、数字和 -；测点以它开头', en: 'small letters, digits and -; its points begin with it', examples: ['gate'] });
const zh = z
  .string()
  .min(1)
  .max(32)
  .optional()
  .meta({ zh: '中文名称；默认为编号', en: 'name in Chinese; default: its id', examples: ['大门'] });
const en = z
  .string()
  .min(1)
  .max(64)
  .optional()
  .meta({ zh: '英文名称；默认为编号', en: 'name in English; default: its id', examples: ['gate'] });
const fraction = z.number().min(0).max(1);
const place = z.tuple([fraction, fraction]);
const kinds = () => z.array(z.string().min(1).max(64)).min(1);

const polygon = z
  .array(place)
  .min(3)
  .max(64)
  .check((context) => {
    const refuse = (words: ReturnType<typeof settingIssue>) => context.issues.push({ code: 'custom', input: context.value, ...words });
    if (context.value.length < 3) return;
    const repeated = repeatedCorner(context.value);
    const crossing = repeated === null ? selfCrossing(context.value) : null;
    if (repeated !== null)
      refuse(
        settingIssue(
          `corner ${repeated + 1} is where the next one is: write each once, the zone closes by itself`,
          `第 ${repeated + 1} 个顶点与下一个顶点重合：每个顶点只写一次，区域自动闭合`,
        ),
      );
    else if (crossing)
      refuse(
        settingIssue(
          `the edges after corners ${crossing[0] + 1} and ${crossing[1] + 1} cross each other: go around the zone in order`,
          `第 ${crossing[0] + 1} 和第 ${crossing[1] + 1} 个顶点之后的边相交：请沿区域边界依次书写`,
        ),
      );
    else if (polygonArea(context.value) < 1e-6) refuse(settingIssue('its corners lie on one line', '各顶点在一条直线上'));
  });

const timeOfDay = z
  .string()
  .meta({ form: { en: 'a time of day such as 22:00', zh: '时刻（如 22:00）', example: '22:00', pattern: '^\\d{1,2}:\\d{2}$' } })
  .transform((text, context) => {
    const minutes = minutesOf(text);
    if (minutes !== null) return minutes;
    context.addIssue({
      code: 'custom',
      input: text,
      ...settingIssue(`"${text}" is no time of day such as 22:00`, `“${text}”不是时刻（如 22:00）`),
    });
    return z.NEVER;
  });

const schedule = z.array(
  z.strictObject({
    from: timeOfDay.meta({ zh: '开始时刻，按 timeZone 时区', en: 'from then on, by the clocks of `timeZone`', examples: ['22:00'] }),
    to: timeOfDay.meta({
      zh: '结束时刻；不晚于开始时为次日',
      en: 'until then; on the next day where it is not later',
      examples: ['06:00'],
    }),
    days: z
      .array(z.enum(DAYS))
      .default([])
      .meta({ zh: '从哪几天开始；省略为每天', en: 'days on which it begins; left out: every day', examples: [['sat', 'sun']] }),
  }),
);

const of = (standard: string[]) =>
  kinds().default(standard).meta({ zh: '对象：person、vehicle 或模型的类别', en: 'what: person, vehicle, or classes of the model' });
const after = (standard: string, zhText: string, enText: string) => span().prefault(standard).meta({ zh: zhText, en: enText });

const present = z.strictObject({
  id: id.meta({ zh: '测点名', en: 'name of its point', examples: ['smoke'] }),
  zh,
  en,
  of: kinds().meta({
    zh: '模型的类别，如 smoke、fire、no-helmet',
    en: 'classes of the model, such as smoke, fire, no-helmet',
    examples: [['smoke', 'fire']],
  }),
  indicator: z
    .string()
    .regex(IDS.indicator)
    .optional()
    .meta({
      zh: '体征指标代码；默认由 indicators 或模型说明给出',
      en: "code of the indicator; default: by `indicators`, or as the model's manifest has it",
      examples: ['YJ-FOR-002'],
    }),
  after: after('3s', '持续出现多久才算', 'how long it must be there'),
  off: after('10s', '消失多久才解除', 'how long it must be gone to be over'),
});

const zone = z
  .strictObject({
    id,
    zh,
    en,
    polygon: polygon.meta({
      zh: '区域的顶点，画面比例 [横, 纵]，左上角为 [0, 0]',
      en: 'corners in order, fractions of the picture [across, down] from its upper left corner',
      examples: [
        [
          [0.1, 0.5],
          [0.9, 0.5],
          [0.9, 1],
          [0.1, 1],
        ],
      ],
    }),
    count: kinds()
      .optional()
      .meta({
        zh: '区域内数量：person、vehicle 或模型的类别，各为一个测点',
        en: 'how many there are of each: person, vehicle or classes of the model; a point each',
        examples: [['person', 'vehicle']],
      }),
    density: z.boolean().default(false).meta({ zh: '每平方米人数（需要 homography）', en: 'people a square metre; needs homography' }),
    crowd: z
      .array(z.number().positive())
      .min(1)
      .max(4)
      .optional()
      .meta({
        zh: '拥挤等级：每平方米人数的递增界限，等级为已达到的界限数（需要 homography）',
        en: 'crowd grade: rising limits of people a square metre; the grade is how many are reached; needs homography',
        examples: [[1.5, 2.5, 3.5, 5]],
      }),
    dwell: z
      .strictObject({ of: of(['person']) })
      .optional()
      .meta({ zh: '当前停留最久者已停留的时间', en: 'how long the one has been there who is there longest', examples: [{}] }),
    loitering: z
      .strictObject({ of: of(['person']), after: after('5m', '停留多久算徘徊', 'how long is too long') })
      .optional()
      .meta({ zh: '徘徊：停留过久的数量', en: 'how many have been there too long', examples: [{ after: '5m' }] }),
    intrusion: z
      .strictObject({
        of: of(['person']),
        after: after('1s', '进入多久才算', 'how long it must be inside'),
        schedule: schedule
          .default([])
          .meta({ zh: '布防时段；省略为始终', en: 'when it is forbidden; left out: always', examples: [[{ from: '22:00', to: '06:00' }]] }),
      })
      .optional()
      .meta({
        zh: '入侵：禁入时段内的数量',
        en: 'how many are inside while nobody may be',
        examples: [{ schedule: [{ from: '22:00', to: '06:00' }] }],
      }),
    wrongWay: z
      .strictObject({
        of: of(['vehicle']),
        from: place.meta({ zh: '允许方向的起点', en: 'where the allowed way comes from', examples: [[0.5, 0.9]] }),
        to: place.meta({ zh: '允许方向的终点', en: 'and where it goes', examples: [[0.5, 0.2]] }),
        distance: z
          .number()
          .min(0.1)
          .max(20)
          .default(1)
          .meta({ zh: '逆行多远才算，以对象自身高度计', en: 'how far it must go against it, in its own heights' }),
      })
      .optional()
      .meta({ zh: '逆行：每个对象一次', en: 'going against the allowed way; once each', examples: [{ from: [0.5, 0.9], to: [0.5, 0.2] }] }),
    queue: z
      .strictObject({
        of: of(['vehicle']),
        slower: z
          .number()
          .min(0.01)
          .max(5)
          .default(0.2)
          .meta({ zh: '每秒移动不足此数（以自身高度计）算排队', en: 'moving less than this many of its own heights a second' }),
      })
      .optional()
      .meta({ zh: '排队数量；有 homography 时另给长度', en: 'how many wait; with homography the length of the queue too', examples: [{}] }),
    stopped: z
      .strictObject({ of: of(['vehicle']), after: after('1m', '停多久才算', 'how long it must stand still') })
      .optional()
      .meta({ zh: '停车：静止的数量', en: 'how many stand still', examples: [{ after: '1m' }] }),
    abandoned: z
      .strictObject({
        of: of(['backpack', 'handbag', 'suitcase']),
        after: after('1m', '无人看管多久才算', 'how long nobody must be near'),
        near: z
          .number()
          .min(0)
          .max(10)
          .default(1)
          .meta({ zh: '多近算有人看管，以人的高度计', en: 'how near a person counts as near, in heights of that person' }),
      })
      .optional()
      .meta({ zh: '遗留物：无人看管的静止物品数量', en: 'how many things lie there with nobody near', examples: [{ after: '1m' }] }),
    removed: z
      .strictObject({
        of: kinds().meta({ zh: '模型的类别', en: 'classes of the model', examples: [['fire hydrant']] }),
        known: after('1m', '放置多久后才看管', 'how long it must have been there'),
        after: after('10s', '不见多久才算', 'how long it must be gone'),
      })
      .optional()
      .meta({
        zh: '移走物：原有静止物品拿取，每件一次',
        en: 'a thing that was there is gone; once each',
        examples: [{ of: ['fire hydrant'] }],
      }),
    present: z
      .array(present)
      .default([])
      .meta({
        zh: '模型的类别在区域内持续出现：安全帽、烟、火、垃圾、积水等，由用户的模型给出',
        en: 'a class of the model is there: helmets, smoke, fire, waste, water on the road, as your model has them',
      }),
  })
  .check((context) => {
    const { crowd, wrongWay } = context.value;
    const refuse = (key: string, words: ReturnType<typeof settingIssue>) =>
      context.issues.push({ code: 'custom', path: [key], input: context.value, ...words });
    if (crowd?.some((limit, at) => at > 0 && limit <= (crowd[at - 1] as number)))
      refuse('crowd', settingIssue('its limits must rise', '界限必须递增'));
    if (wrongWay && wrongWay.from[0] === wrongWay.to[0] && wrongWay.from[1] === wrongWay.to[1])
      refuse('wrongWay', settingIssue('it comes from where it goes to, so it shows no way', '起点与终点相同，不能表示方向'));
  });

const line = z
  .strictObject({
    id,
    zh,
    en,
    from: place.meta({ zh: '线的一端，画面比例 [横, 纵]', en: 'one end, fractions of the picture [across, down]', examples: [[0.1, 0.6]] }),
    to: place.meta({ zh: '线的另一端', en: 'the other end', examples: [[0.9, 0.6]] }),
    inside: place.meta({
      zh: '内侧的任意一点：越线到这一侧为 in，离开为 out',
      en: 'any place on its inner side: crossing to there is in, the other way out',
      examples: [[0.5, 0.9]],
    }),
    of: of(['person']),
  })
  .check((context) => {
    const { from, to, inside } = context.value;
    const refuse = (key: string, words: ReturnType<typeof settingIssue>) =>
      context.issues.push({ code: 'custom', path: [key], input: context.value, ...words });
    if (from[0] === to[0] && from[1] === to[1]) refuse('to', settingIssue('both ends are one place', '两端为同一点'));
    else if (polygonArea([from, to, inside]) < 1e-6)
      refuse('inside', settingIssue('it lies on the line itself, so it shows no side', '该点在线上，不能表示哪一侧'));
  });

const homography = z
  .strictObject({
    picture: z
      .array(place)
      .length(4)
      .meta({
        zh: '画面中地面上的四点',
        en: 'four points on the ground, in the picture',
        examples: [
          [
            [0.2, 0.5],
            [0.8, 0.5],
            [1, 1],
            [0, 1],
          ],
        ],
      }),
    ground: z
      .array(z.tuple([z.number(), z.number()]))
      .length(4)
      .meta({
        zh: '它们在地面上的位置（米）',
        en: 'where they are on the ground, in metres',
        examples: [
          [
            [0, 20],
            [10, 20],
            [10, 0],
            [0, 0],
          ],
        ],
      }),
  })
  .check((context) => {
    const { picture, ground } = context.value;
    const pairs = { picture: picture as PicturePoint[], ground: ground as PicturePoint[] };
    const turned = { picture: pairs.ground, ground: pairs.picture };
    if (!homographyOf(pairs) || !homographyOf(turned))
      context.issues.push({
        code: 'custom',
        path: ['ground'],
        input: context.value,
        ...settingIssue(
          'three of the four points lie on one line, in the picture or on the ground',
          '四点中有三点在一条直线上（画面中或地面上）',
        ),
      });
  });

/** For a camera's settings, beside its own. */
export const SCENE_FIELDS = {
  zones: z.array(zone).max(32).default([]).meta({ zh: '区域及其指标', en: 'zones, and what is measured in each' }),
  lines: z.array(line).max(32).default([]).meta({ zh: '计数线', en: 'lines whose crossings are counted' }),
  indicators: z
    .record(z.string(), z.string().regex(IDS.indicator))
    .default({})
    .meta({
      zh: '类别 → 体征指标代码，用于 count 和 present 的测点；默认由模型说明给出',
      en: "class → code of the indicator, for the points of `count` and `present`; default: as the model's manifest has it",
      examples: [{ dog: 'SH-CRD-003' }],
    }),
  timeZone: timeZone()
    .optional()
    .meta({
      zh: '布防时段所用的时区（IANA 名称）；默认为边缘节点的 timeZone',
      en: 'time zone of schedules, by its IANA name; default: `timeZone` of the edge',
      examples: ['Asia/Shanghai'],
    }),
  homography: homography.optional().meta({ zh: '地面标定，用于米和平方米', en: 'where the ground is, for metres and square metres' }),
};

const scene = z.object(SCENE_FIELDS);
export type SceneSettings = z.infer<typeof scene>;
export type ZoneSettings = SceneSettings['zones'][number];
export type LineSettings = SceneSettings['lines'][number];
