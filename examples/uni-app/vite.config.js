import uni from '@dcloudio/vite-plugin-uni';
import { defineConfig } from 'vite';
import nertc from 'nertc-miniapp/frameworks/vite';

export default defineConfig({ plugins: [uni(), nertc()] });
