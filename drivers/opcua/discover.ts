/** Browses the variables of a server, with type and current value, as points. */
import { AttributeIds, BrowseDirection, DataType, NodeClass, VariantArrayType, type ReferenceDescription } from 'node-opcua-client';
import type { DiscoveredPoint } from '../../core/driver.ts';
import type { World } from '../../core/world.ts';
import { inBatches, readOperationLimits, type OperationLimits } from './operation-limits.ts';
import type { RawSession } from './raw-session.ts';
import { withSession } from './session.ts';
import type { OpcuaSettings } from './settings.ts';
import { toPlainValue } from './value.ts';

/** In the library's notation, with the namespace. */
const OBJECTS = 'ns=0;i=85';
/** The Server object, which is left out of the list. */
const SERVER = 'ns=0;i=2253';
const MAX_VARIABLES = 5000;
/** Limit of browsed folders and objects; some servers show the same object under endless names. */
const MAX_OBJECTS = 5000;
const MAX_DEPTH = 12;
const REFERENCES_PER_CALL = 1000;
const HIERARCHICAL = 'i=33';

interface DiscoveredNode {
  nodeId: string;
  path: string;
}

/** @returns at most 5,000 variables, those closer to the root first */
export function discover(settings: OpcuaSettings, world: World, signal: AbortSignal): Promise<DiscoveredPoint[]> {
  return withSession(settings, world, signal, async (session) => {
    const [limits, namespaces] = await Promise.all([readOperationLimits(session), session.readNamespaceArray()]);
    const variables = await walk(session, limits, signal);
    return describeVariables(session, variables, limits, namespaces);
  });
}

async function walk(session: RawSession, limits: OperationLimits, signal: AbortSignal): Promise<DiscoveredNode[]> {
  const seen = new Set([OBJECTS, SERVER]);
  const variables: DiscoveredNode[] = [];
  let level: DiscoveredNode[] = [{ nodeId: OBJECTS, path: '' }];
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth += 1) {
    const below: DiscoveredNode[] = [];
    const lists = await inBatches(level, limits.browse, (part) => referencesOf(session, part, signal));
    for (const [at, references] of lists.entries()) {
      for (const reference of references) {
        const nodeId = reference.nodeId.toString();
        if (seen.has(nodeId) || seen.size > MAX_OBJECTS + MAX_VARIABLES) continue;
        seen.add(nodeId);
        const name = reference.displayName.text ?? reference.browseName.name ?? nodeId;
        const here = { nodeId, path: `${level[at]?.path ? `${level[at].path}/` : ''}${name}` };
        if (reference.nodeClass === NodeClass.Variable && variables.push(here) >= MAX_VARIABLES) return variables;
        below.push(here);
      }
    }
    level = below;
  }
  return variables;
}

async function referencesOf(session: RawSession, part: readonly DiscoveredNode[], signal: AbortSignal): Promise<ReferenceDescription[][]> {
  signal.throwIfAborted();
  const results = await session.browse(
    part.map(({ nodeId }) => ({
      nodeId,
      browseDirection: BrowseDirection.Forward,
      referenceTypeId: HIERARCHICAL,
      includeSubtypes: true,
      nodeClassMask: NodeClass.Object | NodeClass.Variable,
      resultMask: 63,
    })),
  );
  return Promise.all(
    results.map(async (result) => {
      const references = [...(result.references ?? [])];
      let { continuationPoint } = result;
      while (continuationPoint && continuationPoint.length > 0 && references.length < REFERENCES_PER_CALL * 10) {
        signal.throwIfAborted();
        const { references: next, continuationPoint: further } = await session.browseNext(continuationPoint, false);
        references.push(...(next ?? []));
        // A continuation without results would never end.
        continuationPoint = next && next.length > 0 ? further : Buffer.alloc(0);
      }
      return references;
    }),
  );
}

async function describeVariables(
  session: RawSession,
  variables: readonly DiscoveredNode[],
  limits: OperationLimits,
  namespaces: readonly string[],
): Promise<DiscoveredPoint[]> {
  const values = await inBatches(variables, limits.read, (part) =>
    session.read(part.map(({ nodeId }) => ({ nodeId, attributeId: AttributeIds.Value }))),
  );
  return variables.map(({ nodeId, path }, at): DiscoveredPoint => {
    const variant = values[at]?.value;
    const isArray = variant !== undefined && variant !== null && variant.arrayType !== VariantArrayType.Scalar;
    const type = DataType[variant?.dataType ?? DataType.Null];
    return {
      name: path, point: { node: withNamespaceUri(nodeId, namespaces) }, type: isArray ? `${type}[]` : type,
      value: isArray ? null : toPlainValue(variant?.dataType, variant?.value as unknown) ?? null,
    };
  });
}

/** `ns=2;s=X` with the URI of its namespace, as the index may change. */
export function withNamespaceUri(nodeId: string, namespaces: readonly string[]): string {
  const match = /^ns=(\d+);(.+)$/.exec(nodeId);
  const uri = match ? namespaces[Number(match[1])] : undefined;
  if (!match || uri === undefined || uri.includes(';')) return nodeId;
  return Number(match[1]) === 0 ? (match[2] as string) : `nsu=${uri};${match[2]}`;
}
