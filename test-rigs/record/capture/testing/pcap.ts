/** Captures for tests that look at their bytes. */
import { conversationsOf, type ConversationSegment } from '../conversations.ts';
import { readCapture, type Packet } from '../file.ts';

export interface TcpConversation {
  sides: [string, string];
  pieces: (ConversationSegment & { afterGap: boolean })[];
}

export function readPcap(file: Uint8Array): Packet[] {
  return readCapture('capture', file).packets;
}

/** The TCP connections of a capture. */
export function tcpConversations(packets: readonly Packet[]): TcpConversation[] {
  return conversationsOf(packets)
    .filter(({ via }) => via === 'tcp')
    .map(({ sides, pieces }) => ({ sides, pieces: pieces.map((piece) => ({ ...piece, afterGap: piece.lostBytes > 0 })) }));
}
