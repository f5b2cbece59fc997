import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DataType, EndpointDescription, MessageSecurityMode, StatusCodes, UserTokenType } from 'node-opcua-client';
import { FaultError } from '../../core/faults.ts';
import { chooseEndpoint, openWithFirstAccepted } from './client.ts';
import { withNamespaceUri } from './discover.ts';
import { inBatches } from './operation-limits.ts';
import { settings } from './settings.ts';
import { statusNameOf } from './status-name.ts';
import { hostOf } from './trust.ts';
import { toPlainValue, resolveNode } from './value.ts';
import { fitToType } from './write.ts';

test('calls of any size against a server that takes few: everything once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(60), fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), async (count, told, taken) => {
      const all = Array.from({ length: count }, (_, at) => at);
      const results = await inBatches(all, told, async (part) => {
        if (part.length > taken) throw Object.assign(new Error('too many'), { statusCode: StatusCodes.BadTooManyOperations });
        return part.map((one) => one * 2);
      });
      assert.deepEqual(
        results,
        all.map((one) => one * 2),
      );
    }),
  );
  await assert.rejects(
    inBatches([1], 5, async () => {
      throw Object.assign(new Error('x'), { statusCode: StatusCodes.BadTooManyOperations });
    }),
    'one alone is not halved for ever',
  );
});

test('a value fits its type or is refused; nothing is rounded or cut', () => {
  const cases: [DataType, number | boolean | string, unknown][] = [
    [DataType.Boolean, true, { value: true }],
    [DataType.Boolean, 1, { status: 'BadTypeMismatch' }],
    ...(
      [
        [DataType.SByte, -128, 127],
        [DataType.Byte, 0, 255],
        [DataType.Int16, -32_768, 32_767],
        [DataType.UInt16, 0, 65_535],
        [DataType.Int32, -(2 ** 31), 2 ** 31 - 1],
        [DataType.UInt32, 0, 2 ** 32 - 1],
      ] as const
    ).flatMap(([type, low, high]): [DataType, number, unknown][] => [
      [type, low, { value: low }],
      [type, high, { value: high }],
      [type, low - 1, { status: 'BadOutOfRange' }],
      [type, high + 1, { status: 'BadOutOfRange' }],
    ]),
    [DataType.UInt64, -1, { status: 'BadOutOfRange' }],
    [DataType.UInt64, 2 ** 32 + 1, { value: [1, 1] }],
    [DataType.Int64, -1, { value: [2 ** 32 - 1, 2 ** 32 - 1] }],
    [DataType.Double, 1.5, { value: 1.5 }],
    [DataType.Float, 1.5, { value: 1.5 }],
    [DataType.Int16, 32_767, { value: 32_767 }],
    [DataType.Int16, 32_768, { status: 'BadOutOfRange' }],
    [DataType.Int16, 1.5, { status: 'BadTypeMismatch' }],
    [DataType.Byte, -1, { status: 'BadOutOfRange' }],
    [DataType.Float, 1e39, { status: 'BadOutOfRange' }],
    [DataType.Double, Number.NaN, { status: 'BadTypeMismatch' }],
    [DataType.String, 'x', { value: 'x' }],
    [DataType.String, 5, { status: 'BadTypeMismatch' }],
    [DataType.DateTime, 5, { status: 'BadTypeMismatch' }],
  ];
  for (const [type, value, wanted] of cases) assert.deepEqual(fitToType(type, value), wanted, `${DataType[type]} ${String(value)}`);
});

test('a 64-bit integer written is the one that is read', () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => {
    const fitted = fitToType(DataType.Int64, value);
    assert.ok('value' in fitted);
    assert.equal(Number(toPlainValue(DataType.Int64, fitted.value)), value);
  }));
});

test('a password needs a user, a user a password, and neither goes over security none', () => {
  const base = { endpoint: 'opc.tcp://plc:4840' };
  const secured = { policy: 'Basic256Sha256' };
  const keys = (more: object) => settings.safeParse({ ...base, ...more }).error?.issues.map(({ path }) => path.join('.')) ?? [];
  assert.deepEqual(keys({ security: secured, user: 'u', password: 'p' }), []);
  assert.deepEqual(keys({ security: 'none', user: 'u', password: 'p' }), ['user']);
  assert.deepEqual(keys({ security: secured, user: 'u' }), ['user']);
  assert.deepEqual(keys({ security: secured, password: 'p' }), ['password']);
  assert.deepEqual(keys({ security: { policy: 'Basic256' } }), ['security']);
  assert.deepEqual(keys({}), ['security']);
  assert.deepEqual(keys({ security: 'none', publishEvery: 'forever', sampleEvery: 'forever', holdFor: 'forever' }), [
    'publishEvery',
    'sampleEvery',
  ]);
});

test('an endpoint is chosen by policy, mode and login; a password is never sent in clear text', () => {
  const uri = 'http://opcfoundation.org/UA/SecurityPolicy#';
  const offered = (mode: MessageSecurityMode, token: UserTokenType, policy: string | null) => [
    new EndpointDescription({
      securityMode: mode,
      securityPolicyUri: `${uri}Basic256Sha256`,
      userIdentityTokens: [{ tokenType: token, securityPolicyUri: policy === null ? null : `${uri}${policy}` }],
    }),
  ];
  const asked = (mode: string, user = true) =>
    settings.parse({
      endpoint: 'opc.tcp://plc:4840',
      security: { policy: 'Basic256Sha256', mode },
      ...(user ? { user: 'u', password: 'p' } : {}),
    });
  const { Sign, SignAndEncrypt } = MessageSecurityMode;
  const { UserName, Anonymous } = UserTokenType;
  assert.equal(chooseEndpoint(offered(Sign, UserName, 'Basic256Sha256'), asked('Sign')).securityMode, Sign);
  assert.equal(chooseEndpoint(offered(Sign, UserName, null), asked('Sign')).securityMode, Sign);
  assert.equal(chooseEndpoint(offered(SignAndEncrypt, UserName, 'None'), asked('SignAndEncrypt')).securityMode, SignAndEncrypt);
  assert.throws(() => chooseEndpoint(offered(Sign, UserName, 'None'), asked('Sign')), { name: 'CV_OPCUA_PASSWORD_PLAIN' });
  assert.throws(() => chooseEndpoint(offered(Sign, Anonymous, null), asked('Sign')), { name: 'CV_OPCUA_LOGIN_KIND' });
  assert.throws(() => chooseEndpoint(offered(Sign, UserName, null), asked('Sign', false)), { name: 'CV_OPCUA_LOGIN_KIND' });
  const kindOf = (token: UserTokenType, user: boolean) => {
    try {
      chooseEndpoint(offered(Sign, token, null), asked('Sign', user));
    } catch (error) {
      if (error instanceof FaultError) return [error.fault.params.address, error.fault.params.kind, error.fault.params.kindZh];
    }
    return null;
  };
  assert.deepEqual(
    [kindOf(Anonymous, true), kindOf(UserName, false), kindOf(Anonymous, false)],
    [['opc.tcp://plc:4840', 'user and password', '用户名密码'], ['opc.tcp://plc:4840', 'anonymous', '匿名'], null],
  );
  assert.throws(
    () => chooseEndpoint(offered(Sign, UserName, null), asked('SignAndEncrypt')),
    (error) => error instanceof FaultError && error.fault.params.offered === 'Basic256Sha256 Sign',
  );
});

test('the server\'s word is found in an error, and only a StatusCode counts as one', () => {
  assert.equal(statusNameOf({ response: { responseHeader: { serviceResult: StatusCodes.BadUserAccessDenied } } }), 'BadUserAccessDenied');
  assert.equal(statusNameOf(new Error('BadIdentityTokenRejected (0x80210000)')), 'BadIdentityTokenRejected');
  assert.equal(statusNameOf(new Error('BadLuck happened')), null);
  assert.equal(statusNameOf(undefined), null);
  assert.equal(statusNameOf({ statusCode: StatusCodes.BadTimeout }), 'BadTimeout');
  assert.equal(statusNameOf({ statusCode: {}, message: 'x' }), null);
});

test('nodes by URI come back as they were written', () => {
  const namespaces = ['http://opcfoundation.org/UA/', 'urn:a', 'urn:b'];
  for (const node of ['nsu=urn:b;s=Tank.Level', 'nsu=urn:a;i=7', 'i=2258'])
    assert.equal(withNamespaceUri(resolveNode(node, namespaces) as string, namespaces), node);
  assert.equal(withNamespaceUri('ns=9;s=X', namespaces), 'ns=9;s=X');
});

test('the host of an endpoint', () => {
  assert.equal(hostOf('opc.tcp://10.1.2.3:4840/x'), '10.1.2.3');
  assert.equal(hostOf('opc.tcp://[fe80::1]:4840'), 'fe80::1');
  assert.equal(hostOf('opc.tcp://plc.plant'), 'plc.plant');
});

test('what a server offers is named by its policies, those that we know where there are some', () => {
  const offer = (...policies: (string | null)[]) =>
    policies.map(
      (policy) =>
        new EndpointDescription({
          securityMode: MessageSecurityMode.Sign,
          securityPolicyUri: policy === null ? null : `http://opcfoundation.org/UA/SecurityPolicy#${policy}`,
        }),
    );
  const offeredOf = (offered: EndpointDescription[], security: unknown) => {
    try {
      chooseEndpoint(offered, settings.parse({ endpoint: 'opc.tcp://plc:4840', security }));
    } catch (error) {
      if (error instanceof FaultError) return [error.fault.code, error.fault.params.offered];
    }
    return null;
  };
  const wanted = { policy: 'Basic256Sha256', mode: 'SignAndEncrypt' };
  assert.deepEqual(offeredOf(offer('Basic256Sha256', 'Aes256_Sha256_RsaPss', 'Unusual'), wanted), [
    'CV_OPCUA_POLICY',
    'Basic256Sha256 Sign, Aes256_Sha256_RsaPss Sign',
  ]);
  assert.deepEqual(offeredOf(offer('Unusual', 'Basic256Sha256'), wanted), ['CV_OPCUA_POLICY', 'Basic256Sha256 Sign']);
  assert.deepEqual(offeredOf(offer('Unusual'), wanted), ['CV_OPCUA_POLICY', 'Unusual Sign']);
  assert.deepEqual(offeredOf([], wanted), ['CV_OPCUA_POLICY', '–']);
  assert.deepEqual(offeredOf(offer(null), wanted), ['CV_OPCUA_POLICY', ' Sign']);
  assert.deepEqual(offeredOf(offer(...Array<string>(9).fill('Unusual')), wanted), [
    'CV_OPCUA_POLICY',
    Array<string>(8).fill('Unusual Sign').join(', '),
  ]);
  assert.deepEqual(offeredOf(offer('Basic256Sha256'), 'none'), ['CV_OPCUA_POLICY', 'Basic256Sha256 Sign']);
});

test('after a renewal the certificate before is tried where the new one is not trusted, and only there; that is told once', async () => {
  const [newest, older] = ['new', 'old'] as unknown as [
    Parameters<typeof openWithFirstAccepted>[0][0],
    Parameters<typeof openWithFirstAccepted>[0][0],
  ];
  const tried = async (keys: Parameters<typeof openWithFirstAccepted>[0], fault: unknown) => {
    const opened: unknown[] = [];
    let told = 0;
    const given = await openWithFirstAccepted(keys, async (one) => {
      opened.push(one);
      if (one === newest && fault) throw fault;
      return one;
    }, () => { told += 1; }).catch((error: unknown) => error);
    return { opened, told, given };
  };
  const untrusted = new FaultError('CV_OPCUA_UNTRUSTED_THERE', {
    address: 'a',
    status: 'BadCertificateUntrusted',
    statusZh: 'BadCertificateUntrusted',
    certificate: 'c',
  });
  const refused = new FaultError('CV_LINK_REFUSED', { address: 'a', detail: 'ECONNREFUSED' });
  assert.deepEqual(await tried([newest, older], null), { opened: [newest], told: 0, given: newest });
  assert.deepEqual(await tried([newest, older], untrusted), { opened: [newest, older], told: 1, given: older });
  assert.deepEqual(await tried([newest], untrusted), { opened: [newest], told: 0, given: untrusted });
  assert.deepEqual(await tried([newest, older], refused), { opened: [newest], told: 0, given: refused });
});

test('whatever a server calls too much, halves are tried', async () => {
  for (const name of [
    'BadTooManyOperations',
    'BadEncodingLimitsExceeded',
    'BadRequestTooLarge',
    'BadResponseTooLarge',
    'BadTcpMessageTooLarge',
  ] as const) {
    const sizes: number[] = [];
    const call = async (part: readonly number[]) => {
      sizes.push(part.length);
      if (part.length > 1) throw Object.assign(new Error('too much'), { statusCode: StatusCodes[name] });
      return part;
    };
    assert.deepEqual(await inBatches([1, 2, 3], 10, call), [1, 2, 3], name);
    assert.deepEqual(sizes, [3, 2, 1, 1, 1], name);
  }
});
