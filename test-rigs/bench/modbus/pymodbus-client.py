"""pymodbus (Debian's) as a poller: a task a device, each reads 10 blocks of 124 holding registers in turn and makes 62 float32 of each.

FIRST_PORT DEVICES SECONDS -> one line of JSON: reads, processor time.
"""
import asyncio
import json
import struct
import sys
import time

from pymodbus.client import AsyncModbusTcpClient

REGISTERS = 124
BLOCKS = 10


async def poll(port, seconds):
    client = AsyncModbusTcpClient("127.0.0.1", port=port)
    await client.connect()
    reads = 0
    total = 0.0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        answer = await client.read_holding_registers(reads % BLOCKS * REGISTERS, count=REGISTERS, slave=1)
        if answer.isError():
            raise SystemExit(str(answer))
        # The quickest way in Python; its own convert_from_registers is slower.
        total += sum(struct.unpack(">62f", struct.pack(">124H", *answer.registers)))
        reads += 1
    client.close()
    return reads


async def main():
    first, devices, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    cpu = time.process_time()
    reads = await asyncio.gather(*(poll(first + device, seconds) for device in range(devices)))
    print(json.dumps({"reads": sum(reads), "cpuMs": (time.process_time() - cpu) * 1000}))


asyncio.run(main())
