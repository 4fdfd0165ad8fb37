import type { Lab } from "../../tools/lab/lab.ts";
import { pythonProcess } from "../system/python_process.ts";

const HOLDS = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); " +
  's.bind((sys.argv[1], 67)); print("bound", flush=True); sys.stdin.read()';

/** Has a process hold port 67 of an address where a lab's server is, until disposed. */
export async function holdPort(lab: Lab, address: string): Promise<AsyncDisposable> {
  const within = ["ip", "netns", "exec", lab.serverNetns, "setpriv", "--pdeathsig", "KILL", "--"];
  return await pythonProcess(HOLDS, [address], within);
}
