// Loaded before a server: while there is a file `DISK_FULL`, its store finds no room for another page.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

const UNLIMITED = 2 ** 30

// The library that the program itself finds.
const { prototype } =
  process.getBuiltinModule?.('node:sqlite')?.DatabaseSync ?? createRequire(process.argv[1])('libsql')
const { exec } = prototype

prototype.exec = function (sql) {
  if (sql === 'BEGIN IMMEDIATE') {
    // Below what there is it stays at what there is.
    this.prepare(`PRAGMA max_page_count = ${existsSync(process.env.DISK_FULL) ? 1 : UNLIMITED}`).all()
  }
  return exec.call(this, sql)
}
