/** Devices that spoke to an edge and that nobody configured, with the lines that take them in. Nothing while there are none. */
import { useEffect, useState } from 'preact/hooks';
import type { Page } from '../../../api/fields.ts';
import type { UnknownDeviceView } from '../../../api/unknown-devices.ts';
import { age } from '../../ui/format.ts';
import { requestApi } from '../../shell/gateway-link.ts';
import { useView } from '../../shell/view.ts';

const EVERY_MS = 15_000;
const SHOWN = 20;

export function UnknownDevicesPanel() {
  const { state, words, lang, now } = useView();
  const isLive = state.link.is === 'live';
  const [devices, setDevices] = useState<UnknownDeviceView[]>([]);
  useEffect(() => {
    if (!isLive) return;
    // While the gateway does not answer, the page says so itself; what was known stays.
    const look = (): void => { requestApi<Page<UnknownDeviceView>>('unknown-devices').then(({ items }) => setDevices(items), () => {}); };
    look();
    const timer = setInterval(look, EVERY_MS);
    return () => clearInterval(timer);
  }, [isLive]);
  if (devices.length === 0) return null;
  return (
    <details class="unknown" data-part="unknown">
      <summary>{words.unknownDevices}<span class="count">{devices.length}</span></summary>
      <p class="quiet">{words.unknownHow}</p>
      <ul>
        {devices
          .toSorted((a, b) => b.lastAt - a.lastAt)
          .slice(0, SHOWN)
          .map((device) => (
            <li key={`${device.edge} ${device.driver} ${device.address} ${device.id}`}>
              <strong>{device.id || words.unknownSilent}</strong>
              <span class="quiet">
                {' '}
                {device.edge} · {device.driver} {device.address} ← {device.peer} · {words.unknownTimes(device.count)} ·{' '}
                {words.ago(age(now - device.lastAt, lang))}
              </span>
              {device.said.text !== '' && <code title={device.said.hex}>{device.said.text}</code>}
              {device.yaml !== '' && <pre>{device.yaml}</pre>}
            </li>
          ))}
      </ul>
    </details>
  );
}
