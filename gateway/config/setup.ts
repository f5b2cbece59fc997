/** A gateway's checked, frozen settings: every default filled in, every path absolute, every secret read. Nothing is open yet. */
import type { Grant } from '../../api/permissions.ts';
import type { BilingualText } from '../../core/bilingual-text.ts';
import type { Origin } from '../../core/event.ts';
import type { AtRestSetup } from '../../log/at-rest/setting.ts';

export interface GatewaySetup {
  /** Id of this gateway, [a-z0-9-]{1,64}. */
  readonly gateway: string;
  readonly centre: string;
  /** What people call this centre. */
  readonly name?: BilingualText;
  readonly broker: EmbeddedBrokerSetup | ExternalBrokerSetup;
  readonly log: { readonly dir: string; readonly maxBytes: number; readonly keepMs: number };
  /** `state.db` of the rules lies in `dir` too. `retentionMs` may be Infinity. */
  readonly store: {
    readonly dir: string;
    readonly retentionMs: number;
    readonly maxBytes: number;
    readonly compaction?: { readonly everyMs: number; readonly settleMs: number };
  };
  /** Pictures that come with events; none are taken when absent. */
  readonly evidence?: { readonly dir: string; readonly maxBytes: number; readonly keepMs: number };
  /** Absent or null: nothing is encrypted on disk. */
  readonly atRest?: AtRestSetup | null;
  /** What is published of accepted events; all when absent. No indicators: of all. */
  readonly streams?: { readonly events: 'all' | 'none'; readonly indicators: readonly string[] };
  readonly http: HttpSetup;
  /** Origins of events that are taken in; in exercise mode all are. */
  readonly accepts: readonly Origin[];
  readonly exercise: boolean;
  /** Where edges have their own HTTP, beside those that are asked on the address they connect from. */
  readonly edgeHttp?: readonly { readonly edge: string; readonly origin: string }[];
  /** Devices of certain edges; any other belongs to the first edge seen with it. */
  readonly bindings?: readonly { readonly device: string; readonly edges: readonly string[] }[];
  /** Senders that may pass on events of others: gateways below this one. */
  readonly relays: readonly string[];
  /** How long the audit record is kept; absent: 400 days. May be Infinity. */
  readonly audit?: { readonly keepMs: number };
  /** Absent: plaintext everywhere, for programs that open a gateway by themselves. */
  readonly tls?: TlsSetup;
  readonly signIn?: SignInSetup;
  /** Who may give commands to edges; nobody when absent or empty. */
  readonly operators?: readonly OperatorSetup[];
  /** Who may watch cameras beside operators. Absent: nobody, and eight people a camera. */
  readonly live?: LiveSetup;
  readonly sinks: readonly PlugSetup[];
  readonly notifiers: readonly PlugSetup[];
  /** Absolute paths of rule files, and of folders whose *.yaml are rule files. */
  readonly rules: readonly string[];
  /** Likewise for the catalogue. */
  readonly catalogue: readonly string[];
}

export interface EmbeddedBrokerSetup {
  readonly kind: 'embedded';
  readonly host: string;
  readonly port: number;
  readonly edges: readonly EdgeCredential[];
  readonly consumers: readonly ConsumerCredential[];
  /** Who may read `cv/v1/out/#` without a name: clients on this machine, or nobody. */
  readonly anonymous: 'loopback' | 'none';
  readonly maxConnections: number;
}

/** A null token lets the edge in from loopback alone. */
export interface EdgeCredential {
  readonly id: string;
  readonly token: string | null;
  /** Centres that it speaks for; when absent the one that it speaks for first. */
  readonly centres?: readonly string[];
}

/** Reads `cv/v1/out/#` and nothing else. */
export interface ConsumerCredential {
  readonly user: string;
  readonly password: string;
  /** Reads these alone, with all below them; absent: every one. */
  readonly centres?: readonly string[] | undefined;
}

interface OperatorSetup {
  readonly name: string;
  readonly token: string;
}

export interface HttpSetup {
  readonly host: string;
  readonly port: number;
  /** Names that it answers to, beside addresses, localhost and `host`. */
  readonly hosts?: readonly string[] | undefined;
  /** Who may read, beside operators, where a token is needed. */
  readonly readers?: readonly OperatorSetup[] | undefined;
  /** Who may read without a name, where HTTP is of this machine alone; absent: everybody, until there is an administrator. */
  readonly anonymous?: 'loopback' | 'none' | undefined;
  /** Addresses and ranges of proxies whose X-Forwarded-For is believed. */
  readonly trustProxy?: readonly string[] | undefined;
}

export interface TlsSetup {
  readonly dir: string;
  /** Also where everything listens on this machine alone. */
  readonly loopback: boolean;
  /** Folder with copies of what another broker needs. */
  readonly copyTo?: string;
  /** PEM files of a certificate with its chain, and of its key; null: of the gateway's own CA. */
  readonly own: { readonly certificate: string; readonly key: string } | null;
  /** ms UTC; null: never for a new gateway, 30 days for one that was upgraded. */
  readonly plaintextUntilAt: number | null;
  readonly edgeLifeMs: number;
  readonly edgeGraceMs: number;
}

interface SignInSetup {
  /** A session ends when it was not used for so long, and in any case after `longestMs`. */
  readonly idleMs: number;
  readonly longestMs: number;
  readonly oidc?: OidcSetup;
}

/** An OpenID provider that says who somebody is. */
export interface OidcSetup {
  /** URL, as the provider writes it. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly scopes: readonly string[];
  /** Claim whose value is the name of the user. */
  readonly nameClaim: string;
  /** On the button of the sign-in page. */
  readonly label?: BilingualText | undefined;
  /** URL of the way back, where the gateway cannot see by which one it is reached. */
  readonly redirectUrl?: string | undefined;
  /** Roles by what the provider says; none: they are given here. */
  readonly grants: readonly (Grant & { readonly claim: string; readonly value: string })[];
}

export interface LiveSetup {
  /** Whoever asks from this machine, without a token; or nobody. */
  readonly anonymous: 'loopback' | 'none';
  /** Of one camera at one time. */
  readonly maxViewers: number;
}

interface ExternalBrokerSetup {
  readonly kind: 'external';
  readonly url: string;
  /** By which edges reach it; absent: the same. */
  readonly edgeUrl?: string;
  /** PEM file of a CA to trust, beside those that are trusted anyway. */
  readonly ca?: string;
  readonly user: string | null;
  readonly password: string | null;
  /** Whom `--mosquitto` writes rights for; of these the gateway itself looks at the centres of edges alone. */
  readonly edges?: readonly EdgeCredential[];
  readonly consumers?: readonly ConsumerCredential[];
}

/** A sink or notifier: its kind, and settings that its own schema has checked. */
export interface PlugSetup {
  readonly kind: string;
  /** Its name; of a sink also that of its place in the log. */
  readonly id: string;
  readonly settings: Readonly<Record<string, unknown>>;
}
