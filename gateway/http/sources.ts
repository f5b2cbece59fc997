/**
 * All that the HTTP API needs of a gateway, as one interface: the running gateway gives it, tests and the console's rig
 * give a fake. Every answer is a snapshot that the API may keep; nothing here is ever handed out for writing.
 */
import type { EvidenceContent } from '../../log/evidence/evidence-folder.ts';
import type { CommandBody, CommandView } from '../../api/commands.ts';
import type { HealthProblem } from '../../api/health.ts';
import type { DemoView } from '../../api/demo.ts';
import type { DeviceView } from '../../api/devices.ts';
import type { IndicatorView } from '../../api/indicators.ts';
import type { LiveMessage } from '../../api/live.ts';
import type { PictureView } from '../../api/pictures.ts';
import type { QuarantineItem } from '../../api/quarantine.ts';
import type { SeriesView } from '../../api/series.ts';
import type { StatusView } from '../../api/status.ts';
import type { UnknownDeviceView } from '../../api/unknown-devices.ts';
import type { WarningView } from '../../api/warnings.ts';
import type { Normaliser } from '../../city/catalogue/catalogue.ts';
import type { Cursor, GatewayLog } from '../../log/types.ts';
import type { AuditRecord } from '../audit/audit-record.ts';
import type { Rebinding } from '../bindings/rebinding.ts';
import type { EdgeEnrolment } from '../certificates/enrolment.ts';
import type { LiveViewService } from '../media/live-view/service.ts';
import type { StoreCheck } from '../store/check.ts';
import type { RangeQuery, RangeResult } from '../store/store.ts';
import type { Access } from '../people/access.ts';
import type { OidcProvider } from '../people/oidc-provider.ts';
import type { ApiTokens } from '../people/api-tokens.ts';
import type { People } from '../people/people.ts';

type Soon<T> = T | Promise<T>;

interface SeriesKey {
  indicator: string;
  device: string;
  point: string;
}

/** Parts that are absent or undefined fit any series. */
export type SeriesFilter = { [part in keyof SeriesKey]?: string | undefined };

export interface DemoControls {
  /** Name of the user as whom a browser on this machine is signed in by itself. */
  readonly user: string;
  view(): DemoView;
  /** Cuts the network between edge and gateway for 20 s; a second call while it is cut does nothing. */
  cut(): Soon<void>;
  /** Kills the edge (−9); it is started again. */
  kill(): Soon<void>;
}

/** Commands to edges. */
export interface CommandSource {
  /** @param by a name. @throws CV_COMMAND_TOO_MANY, CV_API_UNKNOWN_ID, and as Dispatch.ask does */
  ask(request: CommandBody, by: string): Promise<CommandView>;
  get(id: string): CommandView | null;
  /** In any order; without pictures. */
  list(): CommandView[];
}

/** Certificates of edges. */
export interface EnrolmentSource {
  edges: Pick<
    EdgeEnrolment,
    'enrol' | 'renew' | 'revoke' | 'certificates' | 'codes' | 'addCode' | 'removeCode' | 'replaceAuthority' | 'trustedPem'
  >;
  /** PEM, SPKI, Ed25519: edges verify commands by it. @throws CV_COMMAND_KEY_UNUSABLE */
  commandKey(): Promise<string>;
  /** Where a box finds the broker. @param host by which it reached this gateway */
  brokerUrl(host: string): string;
}

export interface EvidenceView extends Pick<EvidenceContent, 'bytes' | 'read'> {
  mime: string;
  edge: string;
}

export interface ApiSources {
  /** @param sees leaves out what is of other centres; absent: of all */
  status(sees?: (centre: string) => boolean): StatusView;
  /** Centres that an edge speaks for; empty where it is unknown. */
  centresOfEdge(edge: string): readonly string[];
  /** What keeps the gateway from its work, one line each; empty = healthy. */
  problems(): HealthProblem[];
  devices(): DeviceView[];
  /** Those that nobody configured, in any order. */
  device(id: string): DeviceView | null;
  unknownDevices(): UnknownDeviceView[];
  indicators(): IndicatorView[];
  /** Every series of the store that has the given parts. */
  series(filter: SeriesFilter): Soon<SeriesView[]>;
  range(query: RangeQuery): Promise<RangeResult>;
  /** Open ones and those that are kept after they closed, in any order. */
  warnings(): Soon<WarningView[]>;
  warning(id: string): Soon<WarningView | null>;
  /** The epoch of the changes of warnings, and the number of the newest. */
  warningChangesHead(): Cursor;
  /** Those behind number n, in order; `oldest` is the last that is no longer kept. */
  warningChanges(n: number, limit: number): Promise<{ items: WarningView[]; oldest: number }>;
  /** The durable stream behind `events`. */
  log: Pick<GatewayLog, 'read' | 'head' | 'tail'>;
  /** Brings its values into the unit of the catalogue as it is now. */
  normaliser(): Normaliser;
  /** Reading the store back. */
  storeCheck: StoreCheck;
  /** Newest first, ids below `before` (null: from the newest). */
  quarantine(before: number | null, limit: number): Soon<QuarantineItem[]>;
  /** The newest picture of a camera with its boxes; null when the device has none or its edge is away. */
  picture(device: string): Promise<PictureView | null>;
  /**
   * A file that goes with an event, by its hash, and the edge that it came from; null when it has not come, or was let go. `read`
   * gives a part, `to` exclusive, or all; null: it was let go meanwhile. It throws CV_AT_REST_KEY and CV_AT_REST_DAMAGED.
   */
  evidence(sha256: string): EvidenceView | null;
  /** Who may watch cameras; absent where nobody may. */
  liveView?: Pick<LiveViewService, 'ask' | 'admit' | 'watch'>;
  /** Who may what. */
  access: Access;
  people: Omit<People, 'open' | 'close' | 'byToken' | 'bySession' | 'firstLink' | 'tokens'> & {
    tokens: Pick<ApiTokens, 'of' | 'add' | 'remove'>;
  };
  /** Who says who somebody is, beside passwords; null: nobody. */
  readonly oidc: Pick<OidcProvider, 'label' | 'begin' | 'finish'> | null;
  /** Who did what. */
  audit: Pick<AuditRecord, 'append' | 'list'>;
  /** Certificates of edges; null: this gateway gives none. */
  readonly enrolment: EnrolmentSource | null;
  /** Which edge has which device. */
  bindings?: Pick<Rebinding, 'list' | 'bind'>;
  /** Absent where none are taken. */
  commands?: CommandSource;
  /** Prometheus text. */
  metrics(): Soon<string>;
  /** Values, warnings and devices as they change; `status` and `demo` are asked for by the API itself, each second. */
  onLive(listener: (message: LiveMessage, centre: string) => void): () => void;
  /** Only inside `cityvitals demo`. */
  demo?: DemoControls;
}
