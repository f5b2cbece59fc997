/**
 * mqtt.js takes a broker for dead when PINGRESP does not come within five seconds. Behind a backlog it cannot come so soon: it
 * waits in line with all that the broker has for us, and is not read at all while we hold the reading back. To give
 * such a connection up would lose the place of everything on its way, only to have all of it sent again.
 */
import type { MqttClient } from 'mqtt';

/**
 * From now on whatever the broker sends is a sign of life; one that is silent is given up as soon as before.
 *
 * @param isHeld whether it is we who do not read: then silence says nothing
 */
export function keepAliveDuringBacklog(client: MqttClient, isHeld: () => boolean = () => false): void {
  const ping = client.sendPing.bind(client);
  const giveUp = client.onKeepaliveTimeout.bind(client);
  let hasSpoken = false;
  client.on('packetreceive', () => { hasSpoken = true; });
  client.sendPing = () => {
    hasSpoken = false;
    ping();
  };
  // Called every five seconds while a PINGREQ is not answered.
  client.onKeepaliveTimeout = () => {
    // One turn later: a process that was stopped, or starved of processor, first reads what came meanwhile.
    setImmediate(() => {
      if (!client.connected) return;
      if (hasSpoken || isHeld()) client.sendPing();
      else giveUp();
    });
  };
}
