/** Edges that come in by certificates: one-time codes, certificates, and what a box is given. */
import { z } from 'zod';
import { IDS } from '../core/event.ts';
import { component } from './component.ts';
import { EXAMPLE_AT } from './example-values.ts';
import { time } from './fields.ts';

const HOUR_MS = 3_600_000;
const MAX_CENTRES = 64;
const edgeId = z.string().regex(IDS.edge).meta({ en: 'id of the edge', zh: '边缘节点编号', examples: ['pump-07'] });
const centres = z
  .array(z.string().regex(IDS.centre))
  .min(1)
  .max(MAX_CENTRES)
  .meta({ en: 'centres that it speaks for, its own first', zh: '可代表的治理中心，首个为其所属中心', examples: [['500112001']] });
const pem = (en: string, zh: string, example: string) =>
  z.string().min(1).max(16 * 1024).meta({ en, zh, examples: [example] });
const REQUEST = '-----BEGIN CERTIFICATE REQUEST-----\nMIHq…\n-----END CERTIFICATE REQUEST-----\n';
const CERTIFICATE = '-----BEGIN CERTIFICATE-----\nMIIB…\n-----END CERTIFICATE-----\n';

export const EnrolmentCodeView = component(
  'EnrolmentCode',
  'a code by which one box gets its certificate; the code itself is not kept',
  '一次性入网码的登记（不含入网码本身）',
  z.object({
    id: z.string(),
    edge: edgeId,
    centres,
    replaces: z.string().optional().meta({ en: 'the edge whose place it takes', zh: '所替换的边缘节点' }),
    createdBy: z.string(),
    createdAt: time,
    expiresAt: time,
    used: z.boolean().meta({ en: 'a box has a certificate by it', zh: '已有设备凭此获得证书' }),
  }),
);
export type EnrolmentCodeView = z.infer<typeof EnrolmentCodeView>;

export const NewEnrolmentCodeView = component(
  'NewEnrolmentCode',
  'a code that was made; it is shown once',
  '新建的入网码，仅显示一次',
  z.object({
    code: z.string().meta({ en: 'for `cityvitals enrol --code`', zh: '用于 cityvitals enrol --code' }),
    view: EnrolmentCodeView,
  }),
);

export const EdgeCertificateView = component(
  'EdgeCertificate',
  'a certificate that an edge was given',
  '颁发给边缘节点的证书',
  z.object({
    serialNumber: z.string().meta({ en: 'hexadecimal', zh: '十六进制' }),
    edge: edgeId,
    centres,
    notBeforeAt: time,
    notAfterAt: time,
    issuedAt: time,
    by: z.enum(['code', 'renewal', 'grace']).meta({
      en: 'a code; the certificate before it; or that one after its end',
      zh: '凭入网码、凭旧证书续期，或旧证书过期后补续',
    }),
    revokedAt: time.nullable(),
  }),
);
export type EdgeCertificateView = z.infer<typeof EdgeCertificateView>;

export type NewEnrolmentCodeView = z.infer<typeof NewEnrolmentCodeView>;

export const RevokedView = component(
  'RevokedCertificates',
  'those that were revoked by this',
  '本次吊销的证书',
  z.object({ revoked: z.array(EdgeCertificateView) }),
);

export type RevokedView = z.infer<typeof RevokedView>;

export const AuthoritiesView = component(
  'CertificateAuthorities',
  'CAs whose certificates count, the one that issues first',
  '有效的 CA，首个为当前签发者',
  z.object({ authorities: z.array(z.string()).meta({ en: 'digests, as boxes show them', zh: '摘要，与设备上显示的一致' }) }),
);

export type AuthoritiesView = z.infer<typeof AuthoritiesView>;

export const EdgeIdentityView = component(
  'EdgeIdentity',
  'all that a box needs to come in',
  '设备接入所需的全部内容',
  z.object({
    certificate: z.string().meta({ en: 'PEM', zh: 'PEM' }),
    ca: z.string().meta({ en: 'PEM of the CAs that it is to trust', zh: '应信任的 CA（PEM）' }),
    centre: z.string(),
    broker: z.string().meta({ en: 'URL of the broker', zh: '消息服务器地址' }),
    commandKey: z.string().meta({ en: 'PEM of the key that signs commands, Ed25519', zh: '命令签名公钥（PEM，Ed25519）' }),
  }),
);

export const ADD_ENROLMENT_CODE_BODY = z.strictObject({
  edge: edgeId,
  centres,
  replaces: edgeId.optional().meta({
    en: 'an edge that is gone: its devices become those of this one, its certificates are revoked',
    zh: '被替换的边缘节点：其设备归新节点，其证书被吊销',
    examples: ['pump-06'],
  }),
  validMs: z
    .int()
    .min(60_000)
    .max(7 * 24 * HOUR_MS)
    .default(HOUR_MS)
    .meta({ en: 'how long it may be used, ms', zh: '有效时长，毫秒', examples: [HOUR_MS] }),
});
export const REVOKE_BODY = z.strictObject({
  which: z.string().min(1).max(64).meta({ en: 'an edge, or a serial number', zh: '边缘节点编号或证书序列号', examples: ['pump-07'] }),
});
export const ENROL_BODY = z.strictObject({
  edge: edgeId,
  code: z.string().min(1).max(64).meta({ en: 'the secret half of the code', zh: '入网码的密钥部分', examples: ['ABCDEFGHIJKLMNOP'] }),
  csr: pem('PKCS #10, P-256', 'PKCS #10，P-256', REQUEST),
  replaces: edgeId.optional(),
});
export const RENEW_BODY = z.strictObject({
  csr: pem('PKCS #10 of the new key', '新密钥的 PKCS #10', REQUEST),
  certificate: pem('the one before', '原证书', CERTIFICATE),
  signature: z.string().min(1).max(1000).meta({
    en: 'ECDSA with SHA-256 over `csr` by the key of that certificate, base64',
    zh: '用原证书私钥对 csr 的签名（ECDSA-SHA256，base64）',
    examples: ['MEUCIQ…'],
  }),
});

export const ENROLMENT_CODE_EXAMPLE: EnrolmentCodeView = {
  id: '5f0c1d6e-7a8b-4c9d-8e0f-112233445566', edge: 'pump-07', centres: ['500112001'], createdBy: 'li-wei',
  createdAt: EXAMPLE_AT, expiresAt: EXAMPLE_AT + HOUR_MS, used: false,
};
export const NEW_ENROLMENT_CODE_EXAMPLE = {
  code: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567ABCDEFGHIJKLMNOP', view: ENROLMENT_CODE_EXAMPLE,
};
export const EDGE_CERTIFICATE_EXAMPLE: EdgeCertificateView = {
  serialNumber: '5A0C1D6E7A8B4C9D8E0F112233445566', edge: 'pump-07', centres: ['500112001'], notBeforeAt: EXAMPLE_AT - HOUR_MS,
  notAfterAt: EXAMPLE_AT + 90 * 24 * HOUR_MS, issuedAt: EXAMPLE_AT, by: 'code', revokedAt: null,
};
export const EDGE_IDENTITY_EXAMPLE = {
  certificate: CERTIFICATE, ca: CERTIFICATE, centre: '500112001', broker: 'mqtts://10.0.0.5:1883',
  commandKey: '-----BEGIN PUBLIC KEY-----\nMCow…\n-----END PUBLIC KEY-----\n',
};
export const ADD_ENROLMENT_CODE_EXAMPLE = { edge: 'pump-07', centres: ['500112001'], validMs: HOUR_MS };
export const ENROL_EXAMPLE = { edge: 'pump-07', code: 'ABCDEFGHIJKLMNOP', csr: REQUEST };
export const RENEW_EXAMPLE = { csr: REQUEST, certificate: CERTIFICATE, signature: 'MEUCIQ…' };
export const AUTHORITIES_EXAMPLE = { authorities: ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', '234567ABCDEFGHIJKLMNOPQRST'] };
