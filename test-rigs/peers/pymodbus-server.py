"""Serves the registers of a JSON file by Modbus TCP, or by RTU on a serial port when one is named: {"unit", "holding": {"0": 1}, "input": {}, "coil": {}, "discrete": {}}.

Debian's python3-pymodbus 3.8.6. Addresses that are not in the file answer with exception 02. Prints one JSON line when ready.
"""
import asyncio
import json
import socket
import sys

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.device import ModbusDeviceIdentification
from pymodbus import FramerType
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer


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
    context = ModbusServerContext(slaves={spec["unit"]: slave}, single=False)
    if len(sys.argv) > 2:
        serving = asyncio.create_task(
            StartAsyncSerialServer(
                context=context, identity=identity, port=sys.argv[2], framer=FramerType.RTU, baudrate=115200
            )
        )
        await asyncio.sleep(0.3)  # it tells nobody when its port is open
        print(json.dumps({"ready": True, "port": 0}), flush=True)
        await serving
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving = asyncio.create_task(
        StartAsyncTcpServer(
            context=context,
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
