"""The emulator's pages: chat, login window, inspector, faults."""
