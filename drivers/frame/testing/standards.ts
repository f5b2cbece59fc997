/** Descriptions of standard protocols, for tests of what a description can express. */

export const WATER_METER = `
order: little
header: "68"
idle: FE
length: { at: 10, type: u8, plus: 13 }
terminator: "16"
checksum: { type: sum8 }
head: [{ name: type }, { name: meter, type: bcd, size: 7 }, { name: control }, { name: size }, { name: item, type: hex, size: 2, order: big }]
identity: meter
messages:
  - { name: volume, when: { control: 0x81, item: "901F", size: 0x16 }, fields: [{ skip: 1 }, { name: total, type: bcd, size: 4, scale: 0.01, unit: m3 }] }
  - { name: other }
`;

export const POWER_METER = `
order: little
header: "68"
idle: FE
length: { at: 9, type: u8, plus: 12 }
transform: { from: 10, subtract: 0x33 }
terminator: "16"
checksum: { type: sum8 }
head: [{ name: meter, type: hex, size: 6 }, { skip: 1 }, { name: control }, { name: size }]
identity: meter
messages: [{ name: any, fields: [{ name: data, type: hex, size: rest, order: big }] }]
`;

export const FIRE = `
order: little
header: "40 40"
length: { at: 24, type: u16, plus: 30 }
terminator: "23 23"
checksum: { type: sum8, from: 2 }
max: 1100
head: [{ name: number, type: u16 }, { name: version, type: hex, size: 2 }, { skip: 6 }, { name: from, type: hex, size: 6, order: big }, { name: to, type: hex, size: 6, order: big }, { name: size, type: u16 }, { name: command }]
messages: [{ name: any }]
`;

export const VEHICLE = `
header: "7E"
terminator: "7E"
escape: { "7D 02": "7E", "7D 01": "7D" }
checksum: { type: xor8, from: 1 }
max: 4096
head:
  - { name: kind, type: u16 }
  - { name: about, type: u16, bits: { bytes: 0-9, isPart: 13, is2019: 14 } }
  - { name: edition, type: u8, when: { is2019: true } }
  - { name: longPhone, type: hex, size: 10, when: { is2019: true } }
  - { name: phone, type: hex, size: 6, when: { is2019: false } }
  - { name: number, type: u16 }
  - { name: parts, type: u32, when: { isPart: true } }
messages:
  - name: location
    when: { kind: 0x0200 }
    time: at
    fields:
      - { name: alarm, type: hex, size: 4 }
      - { name: status, type: hex, size: 4 }
      - { name: lat, type: u32, scale: 0.000001 }
      - { name: lon, type: u32, scale: 0.000001 }
      - { name: height, type: u16 }
      - { name: speed, type: u16, scale: 0.1 }
      - { name: course, type: u16 }
      - { name: at, type: bcd-time }
      - { repeat: extras, count: rest, fields: [{ name: id }, { name: size }, { name: content, type: hex, size: size }] }
  - { name: other }
`;
