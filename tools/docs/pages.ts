/** Every generated page, by its path. */
import { DRIVERS } from '../../drivers/index.ts';
import { SINKS } from '../../gateway/sinks/index.ts';
import { driverCards } from './cards.ts';
import { configurationPages } from './configuration.ts';
import { faultsPages } from './faults.ts';
import { guides } from './guides.ts';
import { messagePages } from './messages.ts';
import { editorSchemas } from './schemas.ts';
import { lossesPage, metricsPage } from './tables.ts';

export async function allPages(): Promise<Record<string, string>> {
  const drivers = await Promise.all(DRIVERS.map((entry) => entry.load()));
  const sinks = await Promise.all(SINKS.map((entry) => entry.load()));
  return {
    ...faultsPages(drivers),
    'docs/losses.md': lossesPage(),
    'docs/metrics.md': metricsPage(),
    ...configurationPages(drivers, sinks),
    ...await driverCards(drivers),
    ...editorSchemas(drivers, sinks),
    ...messagePages(),
    ...guides(),
  };
}
