/** What a server's history holds of one node between two times (OPC 10000-11, ReadRaw). */
import { HistoryData, HistoryReadRequest, ReadRawModifiedDetails, TimestampsToReturn, type ClientSession, type DataValue } from 'node-opcua-client';
import { timeOf } from './value.ts';

const VALUES_PER_CALL = 1000;
/** A hole of an hour at one value a second, and some; what is beyond is named as missing. */
const MOST_VALUES = 5000;

/** @returns the values after `fromAt` and before `toAt`, in order; null when the server keeps none, more than we take, or never comes to an end */
export async function readHistory(session: ClientSession, nodeId: string, fromAt: number, toAt: number): Promise<DataValue[] | null> {
  const values: DataValue[] = [];
  let continuationPoint: Buffer | undefined;
  do {
    const answer = await session.historyRead(new HistoryReadRequest({
      historyReadDetails: new ReadRawModifiedDetails({ isReadModified: false, startTime: new Date(fromAt), endTime: new Date(toAt), numValuesPerNode: VALUES_PER_CALL, returnBounds: false }),
      nodesToRead: [{ nodeId, ...(continuationPoint ? { continuationPoint } : {}) }], releaseContinuationPoints: false, timestampsToReturn: TimestampsToReturn.Both,
    }));
    const [result] = answer.results ?? [];
    if (!result || result.statusCode.isBad()) return null;
    const part = result.historyData instanceof HistoryData ? result.historyData.dataValues ?? [] : [];
    values.push(...part);
    continuationPoint = result.continuationPoint && result.continuationPoint.length > 0 ? result.continuationPoint : undefined;
    // One that goes on without giving anything would never end.
    if (values.length > MOST_VALUES || (continuationPoint && part.length === 0)) return null;
  } while (continuationPoint);
  return values.filter((value) => {
    const at = timeOf(value.sourceTimestamp) ?? timeOf(value.serverTimestamp);
    return at !== null && at > fromAt && at < toAt;
  });
}
