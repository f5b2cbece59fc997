"""Serves the registers of a JSON file by Modbus TCP: {"unit", "holding": {"0": 1}, "input": {}, "coil": {}, "discrete": {}}.

Debian's python3-pymodbus 3.8.6. Addresses that are not in the file answer with exception 02. Prints one JSON line when ready.
"""
import asyncio
import json
import socket
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server import StartAsyncTcpServer


def block(cells):
    # A slave context adds 1 to the address on the wire.
    return ModbusSparseDataBlock({int(at) + 1: value for at, value in cells.items()} or {0: 0})


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    slave = ModbusSlaveContext(
        hr=block(spec["holding"]), ir=block(spec["input"]), co=block(spec["coil"]), di=block(spec["discrete"])
    )
    identity = ModbusDeviceIdentification(
        info_name={"VendorName": "pymodbus", "ProductCode": "PM", "MajorMinorRevision": "3.8.6"}
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving = asyncio.create_task(
        StartAsyncTcpServer(
            context=ModbusServerContext(slaves={spec["unit"]: slave}, single=False),
            identity=identity,
            address=("127.0.0.1", port),
        )
    )
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            break
        except OSError:
            await asyncio.sleep(0.02)
    print(json.dumps({"ready": True, "port": port}), flush=True)
    await serving


asyncio.run(main())
