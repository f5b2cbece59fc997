/** Describes bytes that are not a whole packet, for faults. Pure. */
import { PACKET_HEAD_BYTES } from './packet-cutter.ts';

const SHOWN_BYTES = 48;

/** The first bytes as text on one line, the password masked. */
export function packetExcerpt(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.').replaceAll(/\bPW=[^;&]*/g, 'PW=*');
}

/** What an incomplete packet lacks, and how it begins. */
export function truncatedPacketDetail(bytes: Uint8Array): { detail: string; detailZh: string } {
  const [en, zh] = missingOf(Buffer.from(bytes).toString('latin1'));
  return {
    detail: `an HJ 212 packet cut short after ${bytes.length} bytes, without ${en}: ${packetExcerpt(bytes)}`,
    detailZh: `HJ 212 报文不完整：只有 ${bytes.length} 字节，缺少${zh}：${packetExcerpt(bytes)}`,
  };
}

function missingOf(text: string): [en: string, zh: string] {
  if (text.length < PACKET_HEAD_BYTES) return ['the four digits of its length', '四位长度'];
  const begins = text.indexOf('CP=&&');
  if (begins < 0) return ['`CP=&&`', ' CP=&&'];
  return text.includes('&&', begins + 5) ? ['the four digits of its check value', '四位校验值'] : ['the closing `&&`', '结尾的 &&'];
}
