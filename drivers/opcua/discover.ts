/** What a server offers: its variables by name, with type and current value, written as a point would name them. */
import { AttributeIds, BrowseDirection, DataType, NodeClass, VariantArrayType, type ReferenceDescription } from 'node-opcua-client';
import type { DiscoveredPoint } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { inParts, readLimits, type Limits } from './limits.ts';
import type { RawSession } from './raw-session.ts';
import { withSession } from './session.ts';
import type { OpcuaSettings } from './settings.ts';
import { plain } from './value.ts';

/** As the library writes what a server answers: with the namespace. */
const OBJECTS = 'ns=0;i=85';
/** The server's own state: every server has it, nobody wants it in a list. */
const SERVER = 'ns=0;i=2253';
const MOST_VARIABLES = 5000;
/** Folders and objects that are looked into; some servers show the same thing under endlessly many names. */
const MOST_OBJECTS = 5000;
const DEEPEST = 12;
const REFERENCES_PER_CALL = 1000;
const HIERARCHICAL = 'i=33';

interface Seen {
  nodeId: string;
  path: string;
}

/** @returns at most 5,000 variables, those nearer to the root first */
export function discover(settings: OpcuaSettings, world: World, signal: AbortSignal): Promise<DiscoveredPoint[]> {
  return withSession(settings, world, signal, async (session) => {
    const [limits, namespaces] = await Promise.all([readLimits(session), session.readNamespaceArray()]);
    const variables = await walk(session, limits, signal);
    return describe(session, variables, limits, namespaces);
  });
}

async function walk(session: RawSession, limits: Limits, signal: AbortSignal): Promise<Seen[]> {
  const seen = new Set([OBJECTS, SERVER]);
  const variables: Seen[] = [];
  let level: Seen[] = [{ nodeId: OBJECTS, path: '' }];
  for (let depth = 0; depth < DEEPEST && level.length > 0; depth += 1) {
    const below: Seen[] = [];
    const lists = await inParts(level, limits.browse, (part) => referencesOf(session, part, signal));
    for (const [at, references] of lists.entries()) {
      for (const reference of references) {
        const nodeId = reference.nodeId.toString();
        if (seen.has(nodeId) || seen.size > MOST_OBJECTS + MOST_VARIABLES) continue;
        seen.add(nodeId);
        const name = reference.displayName.text ?? reference.browseName.name ?? nodeId;
        const here = { nodeId, path: `${level[at]?.path ? `${level[at].path}/` : ''}${name}` };
        if (reference.nodeClass === NodeClass.Variable && variables.push(here) >= MOST_VARIABLES) return variables;
        below.push(here);
      }
    }
    level = below;
  }
  return variables;
}

async function referencesOf(session: RawSession, part: readonly Seen[], signal: AbortSignal): Promise<ReferenceDescription[][]> {
  signal.throwIfAborted();
  const results = await session.browse(part.map(({ nodeId }) => ({
    nodeId, browseDirection: BrowseDirection.Forward, referenceTypeId: HIERARCHICAL, includeSubtypes: true, nodeClassMask: NodeClass.Object | NodeClass.Variable, resultMask: 63,
  })));
  return Promise.all(results.map(async (result) => {
    const references = [...(result.references ?? [])];
    let { continuationPoint } = result;
    while (continuationPoint && continuationPoint.length > 0 && references.length < REFERENCES_PER_CALL * 10) {
      signal.throwIfAborted();
      const { references: next, continuationPoint: further } = await session.browseNext(continuationPoint, false);
      references.push(...(next ?? []));
      // One that goes on without giving anything would never end.
      continuationPoint = next && next.length > 0 ? further : Buffer.alloc(0);
    }
    return references;
  }));
}

async function describe(session: RawSession, variables: readonly Seen[], limits: Limits, namespaces: readonly string[]): Promise<DiscoveredPoint[]> {
  const values = await inParts(variables, limits.read, (part) => session.read(part.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value }))));
  return variables.map(({ nodeId, path }, at): DiscoveredPoint => {
    const variant = values[at]?.value;
    const isArray = variant !== undefined && variant !== null && variant.arrayType !== VariantArrayType.Scalar;
    const type = DataType[variant?.dataType ?? DataType.Null];
    return {
      name: path, point: { node: withUri(nodeId, namespaces) }, type: isArray ? `${type}[]` : type,
      value: isArray ? null : plain(variant?.dataType, variant?.value as unknown) ?? null,
    };
  });
}

/** `ns=2;s=X` by the URI of its namespace, whose index may be another tomorrow. */
export function withUri(nodeId: string, namespaces: readonly string[]): string {
  const match = /^ns=(\d+);(.+)$/.exec(nodeId);
  const uri = match ? namespaces[Number(match[1])] : undefined;
  if (!match || uri === undefined || uri.includes(';')) return nodeId;
  return Number(match[1]) === 0 ? (match[2] as string) : `nsu=${uri};${match[2]}`;
}
