import { type ChildProcess, spawn } from 'node:child_process'
import { getDefaultEnvironment } from '@modelcontextprotocol/client/stdio'
import type { Reach } from '../config/server-config.ts'

/** Groups have an id of their own only where there is POSIX. */
const HAS_GROUPS = process.platform !== 'win32'

/** Processes that run: none of them may outlive this one. */
const running = new Set<ChildProcess>()

/**
 * Starts a server as the leader of a process group of its own, so that what it starts (servers are often started by `npx` or
 * a shell) ends with it, and so that a Ctrl-C in the terminal does not reach it: whether its calls are cancelled is decided
 * here.
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
  child.once('exit', () => {
    // What it has started and left behind.
    signalGroup(child, 'SIGKILL')
    running.delete(child)
    if (running.size === 0) process.off('exit', killAll)
  })
  return child
}

/** Sends a signal to a server and what it started; nothing if all of it has ended. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (HAS_GROUPS) process.kill(-child.pid, signal)
    else child.kill(signal)
  } catch {
    // There is nobody left to receive it.
  }
}

function killAll(): void {
  for (const child of running) signalGroup(child, 'SIGKILL')
}
