/**
 * Edges and their certificates. A box asks by its code or its old certificate and is nobody before; an administrator has the
 * edges whose centres are all within their own, and gives no code for the name of an edge of others.
 */
import { z } from 'zod';
import {
  ADD_ENROLMENT_CODE_BODY,
  ADD_ENROLMENT_CODE_EXAMPLE,
  AUTHORITIES_EXAMPLE,
  AuthoritiesView,
  EDGE_CERTIFICATE_EXAMPLE,
  EDGE_IDENTITY_EXAMPLE,
  EdgeCertificateView,
  EdgeIdentityView,
  ENROL_BODY,
  ENROL_EXAMPLE,
  ENROLMENT_CODE_EXAMPLE,
  EnrolmentCodeView,
  NEW_ENROLMENT_CODE_EXAMPLE,
  NewEnrolmentCodeView,
  RENEW_BODY,
  RENEW_EXAMPLE,
  REVOKE_BODY,
  RevokedView,
} from '../../api/enrolment.ts';
import { pageOf } from '../../api/fields.ts';
import { DONE, DoneView } from '../../api/users.ts';
import { FaultError } from '../../core/faults.ts';
import { nameOfHost } from '../../core/http-host.ts';
import type { CertificateRecord, CodeRecord } from '../certificates/records.ts';
import type { ApiSources } from './sources.ts';
import { after, idParam, MAX_PAGE, NO_PARAMS, pageByText, pageLimit, query, route, unknownId, type Call, type Route } from './route.ts';
import '../certificates/faults.ts';
import '../people/faults.ts';

const PATH = '/api/v1/enrolment';
const CODES = `${PATH}-codes`;
const CERTIFICATES = '/api/v1/certificates';
const CODE_ID = idParam('the code', '入网码', ENROLMENT_CODE_EXAMPLE.id);

export const ENROLMENT_ROUTES: Route[] = [
  route({
    method: 'POST', path: PATH, needs: 'public',
    summary: {
      zh: '设备凭入网码取得证书；对同一密钥重复请求，应答相同',
      en: 'a box gets its certificate by a code; asked again for the same key, the answer is the same',
    },
    query: query({}), params: NO_PARAMS, body: ENROL_BODY, bodyExample: ENROL_EXAMPLE,
    answer: EdgeIdentityView, example: EDGE_IDENTITY_EXAMPLE,
    faults: [
      'CV_ENROLMENT_CLOSED', 'CV_ENROLMENT_CODE_UNKNOWN', 'CV_ENROLMENT_CODE_USED', 'CV_ENROLMENT_CODE_EDGE', 'CV_SIGNING_REQUEST',
      'CV_CERTIFICATES_UNSAVED', 'CV_CERTIFICATES_TOO_MANY', 'CV_COMMAND_TOO_MANY', 'CV_COMMAND_KEY_UNUSABLE',
    ],
    handle: async (call) => identityOf(call, await openOf(call).edges.enrol(call.body, call.request.ip)),
  }),
  route({
    method: 'POST', path: `${PATH}/renewal`, needs: 'public',
    summary: {
      zh: '设备凭原证书（过期不久亦可）换取新证书',
      en: 'a box gets a new certificate by the one before, also for a time after its end',
    },
    query: query({}), params: NO_PARAMS, body: RENEW_BODY, bodyExample: RENEW_EXAMPLE,
    answer: EdgeIdentityView, example: EDGE_IDENTITY_EXAMPLE,
    faults: [
      'CV_ENROLMENT_CLOSED', 'CV_CERTIFICATE_REFUSED', 'CV_SIGNING_REQUEST', 'CV_CERTIFICATES_UNSAVED', 'CV_CERTIFICATES_TOO_MANY',
      'CV_COMMAND_TOO_MANY', 'CV_COMMAND_KEY_UNUSABLE',
    ],
    handle: async (call) => identityOf(call, await openOf(call).edges.renew(call.body, call.request.ip)),
  }),
  route({
    method: 'GET', path: CODES, needs: 'enrol_edges',
    summary: { zh: '尚未到期的入网码（不含入网码本身）', en: 'enrolment codes that have not ended, without the codes themselves' },
    query: query({ limit: pageLimit(MAX_PAGE, 200), after: after() }), params: NO_PARAMS,
    answer: pageOf(EnrolmentCodeView), example: { items: [ENROLMENT_CODE_EXAMPLE], next: null },
    faults: ['CV_ENROLMENT_CLOSED'],
    handle: (call) =>
      pageByText(
        openOf(call).edges.codes().filter(({ centres }) => isTheirs(call, centres)).map(codeView),
        call.query.limit, call.query.after, ({ edge, id }) => `${edge} ${id}`,
      ),
  }),
  route({
    method: 'POST', path: CODES, needs: 'enrol_edges',
    summary: { zh: '为一个边缘节点生成一次性入网码', en: 'make a one-time code for one edge' },
    query: query({}), params: NO_PARAMS, body: ADD_ENROLMENT_CODE_BODY, bodyExample: ADD_ENROLMENT_CODE_EXAMPLE,
    answer: NewEnrolmentCodeView, example: NEW_ENROLMENT_CODE_EXAMPLE,
    faults: ['CV_API_ORIGIN', 'CV_API_CSRF', 'CV_API_UNKNOWN_ID', 'CV_ENROLMENT_CLOSED', 'CV_CERTIFICATES_UNSAVED', 'CV_PEOPLE_FULL'],
    async handle(call) {
      const { edges } = openOf(call);
      const { edge, centres, replaces, validMs } = call.body;
      for (const centre of centres) if (!isTheirs(call, [centre])) throw unknownId(CENTRE, centre, '/api/v1/session');
      for (const one of [edge, ...(replaces === undefined ? [] : [replaces])])
        if (!isTheirs(call, centresOf(call, one))) throw unknownId(EDGE, one, '/api/v1/status');
      const { record, code } = await edges.addCode({ edge, centres, replaces, forMs: validMs }, byOf(call));
      return { code, view: codeView(record) };
    },
  }),
  route({
    method: 'DELETE', path: `${CODES}/:id`, needs: 'enrol_edges',
    summary: { zh: '作废入网码', en: 'take back an enrolment code' },
    query: query({}), params: CODE_ID, answer: DoneView, example: DONE,
    faults: ['CV_API_ORIGIN', 'CV_API_CSRF', 'CV_API_UNKNOWN_ID', 'CV_ENROLMENT_CLOSED', 'CV_CERTIFICATES_UNSAVED'],
    async handle(call) {
      const { edges } = openOf(call);
      const own = edges.codes().find(({ id }) => id === call.params.id);
      if (!own || !isTheirs(call, own.centres)) throw unknownId({ en: 'enrolment code', zh: '入网码' }, call.params.id, CODES);
      await edges.removeCode(own.id, byOf(call));
      return DONE;
    },
  }),
  route({
    method: 'GET', path: CERTIFICATES, needs: 'enrol_edges',
    summary: { zh: '颁发给边缘节点的证书，含已吊销的', en: 'certificates of edges, those that were revoked too' },
    query: query({ limit: pageLimit(MAX_PAGE, 200), after: after() }), params: NO_PARAMS,
    answer: pageOf(EdgeCertificateView), example: { items: [EDGE_CERTIFICATE_EXAMPLE], next: null },
    faults: ['CV_ENROLMENT_CLOSED'],
    handle: (call) =>
      pageByText(
        openOf(call).edges.certificates().filter(({ centres }) => isTheirs(call, centres)).map(certificateView),
        call.query.limit, call.query.after, ({ edge, serialNumber }) => `${edge} ${serialNumber}`,
      ),
  }),
  route({
    method: 'POST', path: `${CERTIFICATES}/revocation`, needs: 'enrol_edges',
    summary: { zh: '吊销边缘节点的全部证书，或其中一张；立即断开其连接', en: 'revoke the certificates of an edge, or one: its connection ends at once' },
    query: query({}), params: NO_PARAMS, body: REVOKE_BODY, bodyExample: { which: 'pump-07' },
    answer: RevokedView, example: { revoked: [{ ...EDGE_CERTIFICATE_EXAMPLE, revokedAt: EDGE_CERTIFICATE_EXAMPLE.issuedAt }] },
    faults: ['CV_API_ORIGIN', 'CV_API_CSRF', 'CV_API_UNKNOWN_ID', 'CV_ENROLMENT_CLOSED', 'CV_CERTIFICATES_UNSAVED'],
    async handle(call) {
      const { edges } = openOf(call);
      const { which } = call.body;
      const named = edges.certificates().filter(({ edge, serialNumber }) => edge === which || serialNumber === which.toUpperCase());
      if (named.length === 0 || !named.every(({ centres }) => isTheirs(call, centres)))
        throw unknownId({ en: 'edge or certificate', zh: '边缘节点或证书' }, which, CERTIFICATES);
      return { revoked: (await edges.revoke(which, byOf(call))).map(certificateView) };
    },
  }),
  route({
    method: 'POST', path: `${CERTIFICATES}/authority`, needs: 'enrol_edges', everywhere: true,
    summary: {
      zh: '更换证书颁发机构：旧 CA 签发的证书仍有效，设备在续期时得知新 CA',
      en: 'replace the CA: certificates of the old one still count, and boxes learn the new one as they renew',
    },
    query: query({}), params: NO_PARAMS, body: z.strictObject({}), bodyExample: {},
    answer: AuthoritiesView, example: AUTHORITIES_EXAMPLE,
    faults: ['CV_API_ORIGIN', 'CV_API_CSRF', 'CV_ENROLMENT_CLOSED', 'CV_CERTIFICATES_UNSAVED'],
    handle: async (call) => ({ authorities: await openOf(call).edges.replaceAuthority(byOf(call)) }),
  }),
];

const EDGE = { en: 'edge', zh: '边缘节点' };
const CENTRE = { en: 'centre', zh: '治理中心' };
type Any = Call<unknown, unknown, unknown>;

/** @throws CV_ENROLMENT_CLOSED */
function openOf({ sources }: Pick<Any, 'sources'>): NonNullable<ApiSources['enrolment']> {
  if (!sources.enrolment) throw new FaultError('CV_ENROLMENT_CLOSED');
  return sources.enrolment;
}

/** An edge that nobody knows yet is anybody's. */
const isTheirs = ({ sees, seesAll }: Pick<Any, 'sees' | 'seesAll'>, centres: readonly string[]): boolean => seesAll || centres.every(sees);

function centresOf(call: Pick<Any, 'sources'>, edge: string): string[] {
  const { edges } = openOf(call);
  const certified = edges.certificates().filter((one) => one.edge === edge).flatMap(({ centres }) => centres);
  return [...call.sources.centresOfEdge(edge), ...certified];
}

const byOf = ({ principal, request }: Pick<Any, 'principal' | 'request'>) => ({ name: principal.name, address: request.ip });

const codeView = ({ id, edge, centres, replaces, createdBy, createdAt, expiresAt, keyDigest }: CodeRecord): EnrolmentCodeView => ({
  id, edge, centres, createdBy, createdAt, expiresAt, used: keyDigest !== undefined, ...(replaces !== undefined && { replaces }),
});

const certificateView = (
  { serialNumber, edge, centres, notBeforeAt, notAfterAt, issuedAt, by, revokedAt }: CertificateRecord,
): EdgeCertificateView => ({ serialNumber, edge, centres, notBeforeAt, notAfterAt, issuedAt, by, revokedAt: revokedAt ?? null });

async function identityOf(call: Pick<Any, 'sources' | 'request'>, { certificatePem, centres }: CertificateRecord) {
  const { edges, brokerUrl, commandKey } = openOf(call);
  return {
    certificate: certificatePem, ca: edges.trustedPem, centre: centres[0],
    broker: brokerUrl(nameOfHost(call.request.host) ?? call.request.hostname), commandKey: await commandKey(),
  };
}
