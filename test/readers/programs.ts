import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** A program that a test needs and that npm does not bring. */
export interface Program {
  readonly path: string
  /** Whether it is not there: then the tests that need it are skipped, and this said once. */
  readonly isMissing: boolean
}

/** Looks for a program where Debian puts it and where `PATH` says. */
export function findProgram(name: string, debianPackage: string): Program {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/bin', '/usr/sbin']
  const path = folders.map(folder => join(folder, name)).find(isExecutable)
  if (path !== undefined) return { path, isMissing: false }
  console.warn(`Skipped: \`${name}\` is not installed (Debian: apt-get install ${debianPackage})`)
  return { path: name, isMissing: true }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
