/** What edge and gateway are told of encryption at rest: declared once for both. */
import { z } from 'zod';
import { settingIssue } from '../../core/setting.ts';
import { AT_REST_ALGORITHMS, type AtRestAlgorithm } from './algorithms.ts';

const MOST_OLD_KEYS = 16;
/** 32 bytes, and no bit beside them: one key is written in one way. */
const KEY_TEXT = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

const keyText = () =>
  z
    .string()
    .refine(
      (text) => KEY_TEXT.test(text),
      settingIssue('must be 32 random bytes in base64: openssl rand -base64 32', '须为 32 个随机字节的 base64：openssl rand -base64 32'),
    );

export const AT_REST_SCHEMA = z
  .strictObject({
    key: keyText().optional().meta({
      zh: '密钥：32 个随机字节的 base64（openssl rand -base64 32）；省略时新文件不加密，旧文件仍以 oldKeys 读取',
      en: 'key: 32 random bytes in base64 (openssl rand -base64 32); left out: new files are not encrypted, and older ones are read by `oldKeys`',
      secret: true,
      examples: ['${credential:at-rest}', '${file:./at-rest.key}'],
    }),
    algorithm: z.enum(AT_REST_ALGORITHMS).default('aes-256-gcm').meta({
      zh: '新文件的算法；sm4-ctr-hmac-sm3 为 OpenSSL 的国密算法实现，未经密码模块认证',
      en: 'algorithm of new files; sm4-ctr-hmac-sm3 is of OpenSSL, and not a certified module',
    }),
    oldKeys: z
      .array(keyText().meta({ zh: '以前的密钥', en: 'a key of before', secret: true, examples: ['${file:./at-rest-2025.key}'] }))
      .max(MOST_OLD_KEYS)
      .default([])
      .meta({
        zh: '以前的密钥，只用于读取',
        en: 'keys of before, for reading alone',
        examples: [['${file:./at-rest-2025.key}']],
      }),
  })
  .refine(
    ({ key, oldKeys }) => key !== undefined || oldKeys.length > 0,
    settingIssue('give key, or oldKeys, or leave atRest out', '请写 key 或 oldKeys，或省略 atRest'),
  );

/** Keys as they are written: base64. */
export interface AtRestSetup {
  readonly algorithm: AtRestAlgorithm;
  /** null: new files are not encrypted. */
  readonly key: string | null;
  readonly oldKeys: readonly string[];
}

/** null: nothing is encrypted, and nothing encrypted can be read. */
export function atRestSetup(written: z.output<typeof AT_REST_SCHEMA> | undefined): AtRestSetup | null {
  return written ? { algorithm: written.algorithm, key: written.key ?? null, oldKeys: written.oldKeys } : null;
}
