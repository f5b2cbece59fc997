/** What the examples of all resources speak of: a pump station of a town. */
export const EXAMPLE_AT = Date.UTC(2026, 5, 18, 6, 30, 25); // 14:30:25 at the town
export const EXAMPLE_POSITION = { lon: 106.577, lat: 29.557 };
export const EXAMPLE_SERIES = { indicator: 'YJ-FLD-001', device: 'pump-07-plc', point: 'level' };
export const EXAMPLE_NAME = { zh: '河道水位', en: 'river stage' };
