/** Reads a node's history between two times (OPC 10000-11, ReadRaw). */
import {
  HistoryData,
  HistoryReadRequest,
  ReadRawModifiedDetails,
  TimestampsToReturn,
  type ClientSession,
  type DataValue,
} from 'node-opcua-client';
import { validTimeMs } from './value.ts';

const VALUES_PER_CALL = 1000;
/** A gap of an hour at one value per second, and some; values beyond are reported as missing. */
const MAX_VALUES = 5000;

/** @returns the values after `fromAt` and before `toAt`, in order; null when the server keeps none, has too many, or never finishes */
export async function readHistory(session: ClientSession, nodeId: string, fromAt: number, toAt: number): Promise<DataValue[] | null> {
  const values: DataValue[] = [];
  let continuationPoint: Buffer | undefined;
  do {
    const answer = await session.historyRead(
      new HistoryReadRequest({
        historyReadDetails: new ReadRawModifiedDetails({
          isReadModified: false,
          startTime: new Date(fromAt),
          endTime: new Date(toAt),
          numValuesPerNode: VALUES_PER_CALL,
          returnBounds: false,
        }),
        nodesToRead: [{ nodeId, ...(continuationPoint ? { continuationPoint } : {}) }],
        releaseContinuationPoints: false,
        timestampsToReturn: TimestampsToReturn.Both,
      }),
    );
    const [result] = answer.results ?? [];
    if (!result || result.statusCode.isBad()) return null;
    const part = result.historyData instanceof HistoryData ? result.historyData.dataValues ?? [] : [];
    values.push(...part);
    continuationPoint = result.continuationPoint && result.continuationPoint.length > 0 ? result.continuationPoint : undefined;
    // A continuation without results would never end.
    if (values.length > MAX_VALUES || (continuationPoint && part.length === 0)) return null;
  } while (continuationPoint);
  return values.filter((value) => {
    const at = validTimeMs(value.sourceTimestamp) ?? validTimeMs(value.serverTimestamp);
    return at !== null && at > fromAt && at < toAt;
  });
}
