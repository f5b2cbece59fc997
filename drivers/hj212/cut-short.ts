/** What is said of bytes that are no whole packet. Pure. */
import { HEAD_BYTES } from './packet.ts';

const SHOWN_BYTES = 48;

/** How they begin, on one line and without a password. */
export function shown(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, SHOWN_BYTES)).toString('latin1').replaceAll(/[^\x20-\x7e]/g, '.').replaceAll(/\bPW=[^;&]*/g, 'PW=*');
}

/** Of a packet that was begun and never became whole: what is missing, and how it begins. */
export function shortOf(bytes: Uint8Array): { detail: string; detailZh: string } {
  const [en, zh] = missingOf(Buffer.from(bytes).toString('latin1'));
  return { detail: `an HJ 212 packet cut short after ${bytes.length} bytes, without ${en}: ${shown(bytes)}`, detailZh: `HJ 212 报文不完整：只有 ${bytes.length} 字节，缺少${zh}：${shown(bytes)}` };
}

function missingOf(text: string): [en: string, zh: string] {
  if (text.length < HEAD_BYTES) return ['the four digits of its length', '四位长度'];
  const begins = text.indexOf('CP=&&');
  if (begins < 0) return ['`CP=&&`', ' CP=&&'];
  return text.includes('&&', begins + 5) ? ['the four digits of its check value', '四位校验值'] : ['the closing `&&`', '结尾的 &&'];
}
