import { pythonProcess } from "../system/python_process.ts";

const HOLDS = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); " +
  's.bind((sys.argv[1], 67)); print("bound", flush=True); sys.stdin.read()';

/** Has a process hold port 67 of an address in a network namespace, until disposed. */
export async function holdPort(netns: string, address: string): Promise<AsyncDisposable> {
  const within = ["ip", "netns", "exec", netns, "setpriv", "--pdeathsig", "KILL", "--"];
  return await pythonProcess(HOLDS, [address], within);
}
