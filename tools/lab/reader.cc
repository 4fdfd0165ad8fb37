// Makes as many system calls as one CPU can: it reads bytes from its standard input until its parent ends.

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

int main() {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) == 1) {
    }
}
