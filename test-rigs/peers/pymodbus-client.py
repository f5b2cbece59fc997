"""Reads a block of a Modbus TCP server once by pymodbus and prints the registers as JSON: PORT UNIT input|holding START COUNT."""
import json
import sys

from pymodbus.client import ModbusTcpClient

port, unit, area, start, count = sys.argv[1:]
client = ModbusTcpClient("127.0.0.1", port=int(port), timeout=5)
if not client.connect():
    sys.exit("no connection")
read = client.read_input_registers if area == "input" else client.read_holding_registers
answer = read(int(start), count=int(count), slave=int(unit))
client.close()
if answer.isError():
    sys.exit(str(answer))
print(json.dumps(answer.registers))
