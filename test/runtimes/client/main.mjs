// <runtime> main.mjs URL CUT_URL: prints what came of it as JSON
import process from 'node:process'
import { exerciseClient } from './exercise.mjs'

const [url, cutUrl] = process.argv.slice(2)
console.log(JSON.stringify(await exerciseClient(url, cutUrl)))
