/**
 * Who may hold connections of an HTTP server. Where it is full, the oldest connection that has no request under way
 * goes first: half requests that are never finished cannot shut out whole ones, wherever both come from.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export function limitConnections(server: Server, most: number): void {
  /** In the order they came, or were last answered. */
  const waiting = new Set<Socket>();
  const busy = new Set<Socket>();
  const take = (socket: Socket) => {
    if (!waiting.delete(socket)) return;
    busy.add(socket);
  };
  server.on('connection', (socket) => {
    if (waiting.size + busy.size >= most) {
      const [oldest] = waiting;
      if (!oldest) return void socket.destroy();
      waiting.delete(oldest);
      oldest.destroy();
    }
    waiting.add(socket);
    socket.once('close', () => {
      waiting.delete(socket);
      busy.delete(socket);
    });
  });
  server.on('request', ({ socket }, response) => {
    take(socket);
    response.once('close', () => {
      if (busy.delete(socket) && !socket.destroyed) waiting.add(socket);
    });
  });
  server.on('upgrade', ({ socket }) => take(socket));
}
