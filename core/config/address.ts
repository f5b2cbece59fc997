/** Addresses in configuration files: hosts to listen on, brokers to connect to. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { settingIssue } from '../setting.ts';

function isMqttUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, port, pathname } = new URL(text);
  const wantsPath = protocol === 'ws:' || protocol === 'wss:';
  return (
    ['mqtt:', 'mqtts:', 'ws:', 'wss:'].includes(protocol)
    && hostname !== ''
    && port !== '0'
    && (wantsPath || pathname === '' || pathname === '/')
  );
}
export const brokerUrl = () =>
  z
    .string()
    .refine(
      isMqttUrl,
      settingIssue(
        'not a broker address such as mqtt://10.0.0.5:1883 (mqtt, mqtts, ws or wss, a host, a port from 1 to 65535)',
        '不是消息服务器地址，应如 mqtt://10.0.0.5:1883（mqtt、mqtts、ws 或 wss，主机，1 到 65535 的端口）',
      ),
    );

/** A name or address of a machine: no scheme, no port, no blanks; what looks like an IPv4 address is one. */
function isHost(text: string): boolean {
  if (/^[\d.]+$/.test(text)) return /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(text);
  if (text.includes(':')) return URL.canParse(`http://[${text}]/`);
  return /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*\.?$/.test(text);
}
export const host = () =>
  z.string().refine(isHost, settingIssue('not an IP address or host name (no scheme, no port)', '不是 IP 地址或主机名（不带协议和端口）'));

/** An IP address, or a range of them by a prefix that leaves some bits: `10.0.0.0/24`. */
export function isAddressOrRange(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more.length > 0) return false;
  // With /0 everybody would be a proxy, and whatever is forwarded be believed.
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (version === 4 ? 32 : 128));
}
