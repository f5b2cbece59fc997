/** InfluxDB (2, 3, cloud, or 1.8 by its version 2 interface) and whatever else takes its line protocol, such as VictoriaMetrics. */
import { z } from 'zod';
import { settingIssue, durationMs } from '../../../core/setting.ts';
import { defineSink } from '../../../core/sink.ts';
import { openLineLink } from './link.ts';
import { eventLine, missedLine, probeLine } from './lines.ts';

function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(text);
  return ['http:', 'https:'].includes(protocol) && hostname !== '' && username === '' && password === '' && search === '' && hash === '';
}

/** Starts with a letter, and names nothing but what every event has. */
const MEASUREMENT =
  /^(?:[A-Za-z]|\{(?:indicator|device|point|centre|edge|stream)\})(?:[A-Za-z0-9._:-]|\{(?:indicator|device|point|centre|edge|stream)\})*$/;

const settings = z.object({
  url: z
    .string()
    .refine(
      isHttpUrl,
      settingIssue(
        'not an address such as http://10.0.0.9:8086 (http or https, no user, no query)',
        '不是 http://10.0.0.9:8086 形式的地址（http 或 https，不带用户和查询参数）',
      ),
    )
    .meta({
      zh: 'InfluxDB 或 VictoriaMetrics 的地址',
      en: 'address of the InfluxDB or VictoriaMetrics',
      examples: ['http://10.0.0.9:8086'],
    }),
  org: z
    .string()
    .max(256)
    .default('')
    .meta({ zh: '组织；VictoriaMetrics 不需要', en: 'organisation; VictoriaMetrics needs none', examples: ['city'] }),
  bucket: z
    .string()
    .min(1)
    .max(256)
    .default('cityvitals')
    .meta({ zh: '写入的 bucket;VictoriaMetrics 忽略', en: 'bucket to write to; VictoriaMetrics ignores it' }),
  token: z
    .string()
    .refine(
      (text) => /^[\x21-\x7e]+$/.test(text),
      settingIssue('not a token: printable characters without blanks', '不是令牌：应为不含空白的可打印字符'),
    )
    .optional()
    .meta({ zh: '可写入该 bucket 的令牌', en: 'token that may write to the bucket', secret: true, examples: ['${env:INFLUX_TOKEN}'] }),
  measurement: z
    .string()
    .max(128)
    .regex(MEASUREMENT)
    .default('cityvitals')
    .meta({
      zh: 'measurement 名称；可含 {indicator} {device} {point} {centre} {edge} {stream}',
      en: 'name of the measurement; may hold {indicator} {device} {point} {centre} {edge} {stream}',
      examples: ['{indicator}'],
    }),
  batch: z.int().min(1).max(10_000).default(1000).meta({ zh: '每次写入最多多少条', en: 'most events of one write' }),
  timeout: durationMs()
    .refine((ms) => ms >= 100 && ms <= 600_000, settingIssue('must be from 100ms to 10m', '应在 100ms 到 10m 之间'))
    .prefault('10s')
    .meta({ zh: '一次写入最多等多久', en: 'how long one write may take' }),
});

export default defineSink({
  id: 'influxdb',
  title: { zh: 'InfluxDB 与 VictoriaMetrics', en: 'InfluxDB and VictoriaMetrics' },
  settings,
  open({ url, org, bucket, token, measurement, batch, timeout }, identity, world) {
    const link = openLineLink({ url, org, bucket, token, timeoutMs: timeout }, identity.sink, world);
    return Promise.resolve({
      maxBatch: batch,
      write: (events) => link.send(events.map((event) => eventLine(event, measurement))),
      missed: (missed) => link.send([missedLine(missed, identity)]),
      probe: () => link.send([probeLine(identity, world.clock.nowMs())]),
      describe: (event) => eventLine(event, measurement),
      close: () => {
        link.close();
        return Promise.resolve();
      },
    });
  },
});
