/**
 * Monitoring factors by code (HJ 212-2017, annex B), with their 2005 codes. The packet has no units: they come from this
 * table unless the point has its own `unit` (ambient air is in µg/m³, stacks are in mg/m³). Other codes can be read too;
 * their points need a `unit` and an `indicator`.
 */
export interface MonitoringFactor {
  zh: string;
  en: string;
  /** UCUM; '' where the value has none. */
  unit: string;
  indicator?: string;
  /** The code of the 2005 edition, still sent by many loggers. */
  code2005?: string;
}

export const MONITORING_FACTORS: Readonly<Record<string, MonitoringFactor>> = {
  // Ambient air and weather
  a34004: { zh: 'PM2.5', en: 'PM2.5', unit: 'ug/m3', indicator: 'ST-AIR-001' },
  a34002: { zh: 'PM10', en: 'PM10', unit: 'ug/m3', indicator: 'ST-AIR-002' },
  a34001: { zh: '总悬浮颗粒物', en: 'total suspended particles', unit: 'ug/m3' },
  a05024: { zh: '臭氧', en: 'ozone', unit: 'ug/m3', indicator: 'ST-AIR-003' },
  a21026: { zh: '二氧化硫', en: 'sulphur dioxide', unit: 'ug/m3', code2005: '02' },
  a21004: { zh: '二氧化氮', en: 'nitrogen dioxide', unit: 'ug/m3' },
  a21002: { zh: '氮氧化物', en: 'nitrogen oxides', unit: 'ug/m3', code2005: '03' },
  a21005: { zh: '一氧化碳', en: 'carbon monoxide', unit: 'mg/m3' },
  a01001: { zh: '气温', en: 'air temperature', unit: 'Cel' },
  a01002: { zh: '湿度', en: 'humidity', unit: '%' },
  a01006: { zh: '气压', en: 'air pressure', unit: 'kPa' },
  a01007: { zh: '风速', en: 'wind speed', unit: 'm/s' },
  a01008: { zh: '风向', en: 'wind direction', unit: 'deg' },
  // Stacks
  a34013: { zh: '烟尘', en: 'smoke and dust', unit: 'mg/m3', code2005: '01' },
  a00000: { zh: '废气流量', en: 'flow of waste gas', unit: 'm3/s', code2005: 'B02' },
  a19001: { zh: '氧含量', en: 'oxygen', unit: '%', code2005: 'S01' },
  a01011: { zh: '烟气流速', en: 'speed of flue gas', unit: 'm/s', code2005: 'S02' },
  a01012: { zh: '烟气温度', en: 'temperature of flue gas', unit: 'Cel', code2005: 'S03' },
  a01013: { zh: '烟气压力', en: 'pressure of flue gas', unit: 'kPa', code2005: 'S08' },
  a01014: { zh: '烟气湿度', en: 'humidity of flue gas', unit: '%', code2005: 'S05' },
  a24088: { zh: '非甲烷总烃', en: 'non-methane hydrocarbons', unit: 'mg/m3' },
  // Water
  w00000: { zh: '污水流量', en: 'flow of sewage', unit: 'L/s', code2005: 'B01' },
  w01001: { zh: 'pH 值', en: 'pH', unit: '[pH]', code2005: '001' },
  w01003: { zh: '浑浊度', en: 'turbidity', unit: '{NTU}' },
  w01009: { zh: '溶解氧', en: 'dissolved oxygen', unit: 'mg/L', indicator: 'ST-SWQ-002' },
  w01010: { zh: '水温', en: 'water temperature', unit: 'Cel' },
  w01012: { zh: '悬浮物', en: 'suspended solids', unit: 'mg/L' },
  w01014: { zh: '电导率', en: 'conductivity', unit: 'uS/cm' },
  w01017: { zh: '五日生化需氧量', en: 'BOD5', unit: 'mg/L' },
  w01018: { zh: '化学需氧量', en: 'COD', unit: 'mg/L', indicator: 'ST-SWQ-003', code2005: '011' },
  w01019: { zh: '高锰酸盐指数', en: 'permanganate index', unit: 'mg/L' },
  w21001: { zh: '总氮', en: 'total nitrogen', unit: 'mg/L', code2005: '065' },
  w21003: { zh: '氨氮', en: 'ammonia nitrogen', unit: 'mg/L', indicator: 'ST-SWQ-001', code2005: '060' },
  w21011: { zh: '总磷', en: 'total phosphorus', unit: 'mg/L', indicator: 'ST-SWQ-004', code2005: '101' },
  // Noise
  Leq: { zh: '等效声级', en: 'equivalent sound level', unit: 'dB[SPL]', indicator: 'WM-NOI-001' },
};

const BY_CODE_2005 = new Map(
  Object.entries(MONITORING_FACTORS).flatMap(([code, { code2005: old }]) => (old ? [[old, code] as const] : [])),
);

/** The current code for a 2005 code; any other code unchanged. */
export function currentFactorCode(code: string): string {
  return BY_CODE_2005.get(code) ?? code;
}

export function factorOf(code: string): MonitoringFactor | undefined {
  return MONITORING_FACTORS[currentFactorCode(code)];
}
