import { spawn } from 'node:child_process'

/** The program of each system that opens an address, with the arguments before it. */
const OPENERS: Readonly<Record<string, readonly [command: string, ...args: string[]]>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** Time for the program to fail, ms: it may run as long as the browser does. */
const FAIL_MS = 1000

/** Opens an address in the browser of the person. Resolves to whether that could be started; never rejects. */
export function openUrl(url: string): Promise<boolean> {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open']
  return new Promise(resolve => {
    const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true })
    const timer = setTimeout(() => resolve(true), FAIL_MS)
    const end = (isOpened: boolean): void => {
      clearTimeout(timer)
      resolve(isOpened)
    }
    child.once('error', () => end(false))
    child.once('exit', code => end(code === 0))
    child.unref()
  })
}
