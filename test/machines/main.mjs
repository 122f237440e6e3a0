// npm run test:machines -- [KILLS [SEED [MINUTES [CASE]]]]: strikes two servers, three workers, their database and their Redis at event
// boundaries and at random until there were so many kills, or so many minutes have passed, half of them with a queue. Prints every
// fault with its case, and the totals. The same SEED makes the same cases; CASE is the number of the first. Ends with 1 for a fault.
import { startVitest } from 'vitest/node'

const [kills = '300', seed, minutes, first] = process.argv.slice(2)
process.env.KILLS = kills
if (seed !== undefined) process.env.SEED = seed
if (minutes !== undefined) process.env.MINUTES = minutes
if (first !== undefined) process.env.CASE = first
const vitest = await startVitest('test', ['test/machines'], { watch: false, fileParallelism: false })
await vitest.close()
