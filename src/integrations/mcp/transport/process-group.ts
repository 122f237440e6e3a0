import type { ChildProcess } from 'node:child_process'
import { getDefaultEnvironment } from '@modelcontextprotocol/client/stdio'
import spawn from 'cross-spawn'
import type { Reach } from '../config/server-config.ts'

/** Only POSIX has process groups. */
const HAS_GROUPS = process.platform !== 'win32'

/** Running servers. They are killed when this process exits. */
const running = new Set<ChildProcess>()

/**
 * Starts a server as the leader of its own process group. Its child processes end with it: servers are often started by `npx`
 * or a shell. A Ctrl-C in the terminal does not reach the group, so this process decides about running calls.
 *
 * On Windows, `cross-spawn` starts scripts such as `npx.cmd` by a shell. Elsewhere it is `spawn`.
 */
export function startProcess({ command, args, env, cwd }: Reach & { kind: 'process' }): ChildProcess {
  const child = spawn(command, [...args], {
    env: { ...getDefaultEnvironment(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: HAS_GROUPS,
    windowsHide: true,
    ...(cwd !== undefined && { cwd }),
  })
  if (child.pid === undefined) return child
  if (running.size === 0) process.on('exit', killAll)
  running.add(child)
  const forget = (): void => {
    if (!running.delete(child)) return
    // Ends the child processes that are left.
    signalGroup(child, 'SIGKILL')
    if (running.size === 0) process.off('exit', killAll)
  }
  child.once('exit', forget)
  // Where the shell has not found the program, `cross-spawn` emits an error in the place of the exit.
  child.once('close', forget)
  return child
}

/** Sends a signal to a server and its child processes. No effect when all have ended. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (HAS_GROUPS) process.kill(-child.pid, signal)
    else child.kill(signal)
  } catch {
    // The group has ended.
  }
}

function killAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL')
}
