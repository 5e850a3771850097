/* Ringfort's x87 and vector state from and to that of a differential case (diff_sides.h). */
#include "diff_sides.h"

#include <string.h>

void diff_fpu_in(struct rf_fpu *fpu, const struct diff_state *in)
{
    const struct diff_fx *fx = &in->fx;
    fpu->cw = fx->fcw;
    fpu->sw = fx->fsw;
    fpu->tag_valid = fx->ftw;
    fpu->fop = fx->fop;
    fpu->fip = fx->fip;
    fpu->fdp = fx->fdp;
    fpu->mxcsr = fx->mxcsr;
    unsigned top = fx->fsw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++) {
        memset(&fpu->x87[(top + i) & 7], 0, 16);
        memcpy(&fpu->x87[(top + i) & 7], fx->st[i], 10);
    }
    for (unsigned i = 0; i < 16; i++) {
        memcpy(&fpu->v[i], &fx->xmm[i], 16);
        memcpy(&fpu->v[i].u64[2], in->high[i], 16);
    }
}

void diff_fpu_out(const struct rf_fpu *fpu, struct diff_state *out)
{
    struct diff_fx *fx = &out->fx;
    memset(fx, 0, sizeof *fx);
    fx->fcw = fpu->cw;
    fx->fsw = fpu->sw;
    fx->ftw = fpu->tag_valid;
    fx->fop = fpu->fop;
    fx->fip = fpu->fip;
    fx->fdp = fpu->fdp;
    fx->mxcsr = fpu->mxcsr;
    unsigned top = fpu->sw >> 11 & 7;
    for (unsigned i = 0; i < 8; i++)
        memcpy(fx->st[i], &fpu->x87[(top + i) & 7], 10);
    for (unsigned i = 0; i < 16; i++) {
        memcpy(&fx->xmm[i], &fpu->v[i], 16);
        memcpy(out->high[i], &fpu->v[i].u64[2], 16);
    }
}
