/** Settings of TLS: where certificates lie, the gateway's own, and until when plaintext is let in. */
import { z } from 'zod';
import { durationMs, settingIssue } from '../../core/setting.ts';

const DAY_MS = 86_400_000;
const days = (preset: string, most: number) =>
  durationMs()
    .refine((ms) => ms >= DAY_MS && ms <= most * DAY_MS, settingIssue(`must be from 1d to ${most}d`, `必须在 1d 到 ${most}d 之间`))
    .prefault(preset);
const file = (words: { zh: string; en: string; examples: string[] }) => z.string().min(1).optional().meta(words);

const isDay = (text: string): boolean => /^\d{4}-\d\d-\d\d$/.test(text) && Number.isFinite(Date.parse(text));

export const TLS_SCHEMA = z
  .strictObject({
    dir: file({
      zh: '证书颁发机构及网关证书的目录；默认 ./data/<gateway>/certificates',
      en: 'folder of the CA and of the certificate of the gateway; default ./data/<gateway>/certificates',
      examples: ['/var/lib/cityvitals/certificates'],
    }),
    loopback: z
      .boolean()
      .default(false)
      .meta({ zh: '只监听本机时也使用 TLS', en: 'TLS also where the gateway listens on this machine alone' }),
    copyTo: file({
      zh: '供其他 MQTT 代理（如 mosquitto）使用的目录：网关在此维护 ca.pem、server.pem、server-key.pem 和 crl.pem；该目录须已存在，其所属组可读',
      en: 'folder for another broker, such as mosquitto: the gateway keeps ca.pem, server.pem, server-key.pem and crl.pem there; it must exist, and its group may read them',
      examples: ['/var/lib/cityvitals-broker'],
    }),
    certificate: file({
      zh: '网关自有证书（PEM，含证书链），与 key 同时给出；缺省由网关自行签发',
      en: 'certificate of your own for the gateway (PEM, with its chain), beside key; by default the gateway makes one',
      examples: ['/etc/cityvitals/server.pem'],
    }),
    key: file({ zh: '其私钥文件（PEM）', en: 'file of its private key (PEM)', examples: ['/etc/cityvitals/server-key.pem'] }),
    plaintextUntil: z
      .string()
      .refine(
        (text) => text === 'never' || text === 'forever' || isDay(text),
        settingIssue('must be a day such as 2027-01-31, never or forever', '须为日期（如 2027-01-31）、never 或 forever'),
      )
      .optional()
      .meta({
        zh: '来自本机以外的明文连接允许到哪一天（UTC）；never 为不允许，forever 为始终允许。缺省：新网关不允许；升级的网关允许 30 天',
        en: 'day (UTC) until which plaintext from beyond this machine is let in, never, or forever; by default never for a new gateway, 30 days for one that was upgraded',
        examples: ['2027-01-31'],
      }),
    edgeLife: days('90d', 825).meta({ zh: '边缘节点证书的有效期', en: 'life of the certificate of an edge' }),
    edgeGrace: days('180d', 3650).meta({
      zh: '过期后多久之内，边缘节点仍可凭原私钥续期',
      en: 'how long after its end an edge may still renew by its old key',
    }),
  })
  .refine(
    ({ certificate, key }) => (certificate === undefined) === (key === undefined),
    settingIssue('certificate and key go together', 'certificate 与 key 须同时给出'),
  );

/** @returns ms UTC from which plaintext is refused; null where nothing is said */
export function plaintextUntilAt(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (text === 'never') return 0;
  return text === 'forever' ? Infinity : Date.parse(text) + DAY_MS;
}
