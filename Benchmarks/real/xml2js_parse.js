// {"packages": ["xml2js"]}
import { parseStringPromise } from 'xml2js';

const text = '<all>' + Array.from({ length: 60 }, (_, n) => `<one n="${n}">text ${n}</one>`).join('') + '</all>';

export const handler = async event => (await parseStringPromise(text)).all.one.length;
